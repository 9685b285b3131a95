// Shows how far a file has been sent. The answer is a page, as without a script.

function watch() {
  const form = document.querySelector("form[data-upload]");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, form.querySelector("progress"));
  });
}

function send(form, progress) {
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    progress.value = total ? (100 * loaded) / total : 0;
  });
  request.addEventListener("load", () => {
    document.open();
    document.write(request.responseText);
    document.close();
    // A module runs once in a document, however often its pages name it.
    watch();
  });
  request.addEventListener("error", () => form.submit());
  progress.hidden = false;
  request.open("POST", form.action);
  request.send(new FormData(form));
}

watch();
