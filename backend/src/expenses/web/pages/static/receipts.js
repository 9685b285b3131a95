// Receipts are sent as soon as they are chosen, dropped or pasted, so that the form can be filled in
// from what they say. Without this script, a button does that.

function send(form, files) {
  const fieldset = form.querySelector("[data-receipts]");
  const bar = fieldset.querySelector("progress");
  const body = new FormData(form);
  body.delete("files");
  for (const file of files) body.append("files", file, file.name);
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", (event) => {
    bar.hidden = false;
    bar.value = event.loaded / event.total;
  });
  request.addEventListener("load", () => {
    if (new URL(request.responseURL).pathname === "/login") return location.reload();
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const fresh = page.querySelector("[data-receipts]");
    if (fresh) take(form, fresh.closest("form"), page);
    else fail(fieldset, page.querySelector(".error-message")?.textContent);
  });
  request.addEventListener("error", () => fail(fieldset));
  request.open("POST", fieldset.dataset.receipts);
  request.send(body);
}

// What was typed meanwhile stays; only fields that the receipts filled in are taken over.
function take(form, fresh, page) {
  form.querySelector("[data-receipts]").replaceWith(fresh.querySelector("[data-receipts]"));
  for (const mark of fresh.querySelectorAll("[data-from]")) {
    const field = form.elements[mark.dataset.from];
    field.value = fresh.elements[mark.dataset.from].value;
    form.querySelector(`[data-from="${mark.dataset.from}"]`)?.remove();
    field.after(mark);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  form.querySelector("[data-receipts]").append(...page.querySelectorAll("main div.alert.news"));
}

function fail(fieldset, sentence) {
  const problem = fieldset.querySelector("[data-problem]");
  fieldset.querySelector("progress").hidden = true;
  problem.textContent = sentence ?? problem.dataset.problem;
}

const form = document.querySelector("form:has([data-receipts])");

form?.addEventListener("change", (event) => {
  const { type, name, files } = event.target;
  // A ticket of all receipts has their sum, one of each its own amount.
  if (name === "each" || (type === "file" && files.length)) send(form, files ?? []);
});
form?.addEventListener("dragover", (event) => event.preventDefault());
form?.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  send(form, event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
  if (form && event.clipboardData.files.length) send(form, event.clipboardData.files);
});
form?.addEventListener("click", (event) => {
  const button = event.target.closest("[data-receipts] [name=drop]");
  if (!button) return;
  event.preventDefault();
  const body = form.querySelector("[data-receipts]");
  const drop = Object.assign(document.createElement("input"), { type: "hidden", name: "drop", value: button.value });
  body.append(drop);
  send(form, []);
});
form?.addEventListener("input", (event) => {
  const mark = form.querySelector(`[data-from="${event.target.name}"]`);
  if (mark && mark.querySelector("input").value !== event.target.value) mark.remove();
});
