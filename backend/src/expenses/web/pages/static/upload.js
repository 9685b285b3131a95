// Shows how far a file has been sent. The answer is a page, as without a script.

const form = document.querySelector("form[data-upload]");
const progress = form.querySelector("progress");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    progress.value = total ? (100 * loaded) / total : 0;
  });
  request.addEventListener("load", () => {
    document.open();
    document.write(request.responseText);
    document.close();
  });
  request.addEventListener("error", () => form.submit());
  progress.hidden = false;
  request.open("POST", form.action);
  request.send(new FormData(form));
});
