const target = document.getElementById("docs");
window.SwaggerUIBundle({ domNode: target, url: target.dataset.openapi, deepLinking: true });
