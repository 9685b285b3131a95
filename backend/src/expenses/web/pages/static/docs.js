const page = document.documentElement;
const dark = window.matchMedia("(prefers-color-scheme: dark)");

// Swagger UI's style sheet goes by a class.
function follow() {
  page.classList.toggle("dark-mode", page.dataset.theme ? page.dataset.theme === "dark" : dark.matches);
}

follow();
dark.addEventListener("change", follow);
const target = document.getElementById("docs");
window.SwaggerUIBundle({ domNode: target, url: target.dataset.openapi, deepLinking: true });
