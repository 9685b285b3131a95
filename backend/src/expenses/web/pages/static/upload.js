// Shows how far files have been sent. The answer is a page, as without a script.

function watch() {
  const form = document.querySelector("form[data-upload]");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, form.querySelector("progress"));
  });
}

function send(form, progress) {
  const request = new XMLHttpRequest();
  request.responseType = "document";
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    progress.value = total ? (100 * loaded) / total : 0;
  });
  // What takes its time now is reading them.
  request.upload.addEventListener("load", () => progress.removeAttribute("value"));
  request.addEventListener("load", () => show(request));
  request.addEventListener("error", () => form.submit());
  progress.hidden = false;
  request.open("POST", form.action);
  request.send(new FormData(form));
}

function show({ response, responseURL }) {
  // The session has ended: the address of the log-in page leads back.
  if (new URL(responseURL).pathname === "/login") return location.assign(responseURL);
  document.title = response.title;
  document.querySelector("main").replaceWith(response.querySelector("main"));
  (document.querySelector("main [role=alert]") ?? document.querySelector("#files"))?.scrollIntoView({ block: "center" });
  document.querySelector("#files")?.focus({ preventScroll: true });
  watch();
}

watch();
