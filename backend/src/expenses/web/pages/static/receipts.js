// Receipts are sent as soon as they are chosen, dropped or pasted, so that the form can be filled in
// from what they say. Without this script, a button does that.

const form = document.querySelector("form:has([data-receipts])");
const button = form.querySelector("[type=submit]");
const part = (name, page = form) => page.querySelector(`[data-${name}]`);
const progress = form.querySelector(".drop progress");

// One after the other: each request says which receipts are there already.
let queue = Promise.resolve();
let waiting = 0;

function send(files, ...more) {
  form.closest(".new-ticket").classList.add("is-open");
  for (const file of files) part("drafts").append(placeholder(file));
  waiting += 1;
  button.disabled = true;
  queue = queue.then(async () => {
    const body = bodyWith(files, more);
    show(await post(body), body);
    waiting -= 1;
    button.disabled = waiting > 0;
  });
}

function placeholder(file) {
  const row = form.querySelector("template[data-sending]").content.cloneNode(true);
  row.querySelector("bdi").textContent = file.name;
  return row;
}

function bodyWith(files, more) {
  const body = new FormData(form);
  body.delete("files");
  for (const file of files) body.append("files", file, file.name);
  for (const [name, value] of more) body.append(name, value);
  return body;
}

// The page that comes back; none if it did not.
function post(body) {
  const status = part("status");
  status.textContent = status.dataset.sending;
  progress.value = 0;
  progress.hidden = !body.has("files");
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.responseType = "document";
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      progress.value = loaded / total;
    });
    request.upload.addEventListener("load", () => {
      progress.removeAttribute("value");
      status.textContent = status.dataset.reading;
    });
    request.addEventListener("load", () => resolve(request.response));
    request.addEventListener("error", () => resolve(null));
    request.open("POST", part("receipts").dataset.receipts);
    request.send(body);
  });
}

function show(page, sent) {
  progress.hidden = true;
  const fresh = page?.querySelector("form:has([data-receipts])");
  if (page?.querySelector("form[action='/login']")) {
    form.dispatchEvent(new Event("keep"));
    location.reload();
  } else if (fresh) {
    take(fresh, page, sent);
  } else {
    for (const row of form.querySelectorAll("[data-drafts] li:not(:has([name=receipts]))")) row.remove();
    const problem = part("problem");
    problem.textContent = page?.querySelector("main p")?.textContent ?? problem.dataset.problem;
    part("status").textContent = "";
  }
}

// What was typed meanwhile stays; only what came from an invoice is taken over.
function take(fresh, page, sent) {
  const focused = document.activeElement.name;
  part("drafts").replaceChildren(...part("drafts", fresh).children);
  part("problem").textContent = part("problem", fresh).textContent;
  part("status").replaceChildren(...part("status", fresh).childNodes);
  const { each } = form.elements;
  if (each.checked === sent.has("each")) each.checked = fresh.elements.each.checked;
  part("notes").replaceChildren(...page.querySelectorAll(".alert.news > [dir]"));
  if (!part("waiting", page)) part("waiting", document)?.remove();
  for (const name of ["spent_on", "amount", "currency", "merchant"]) fill(name, fresh, sent);
  // Whether the company expects a receipt may have changed.
  form.elements.amount.dispatchEvent(new Event("input", { bubbles: true }));
  if (focused === "drop") form.elements.files[0].focus();
}

function fill(name, fresh, sent) {
  const field = form.elements[name];
  const [old, mark] = [form, fresh].map((each) => each.querySelector(`[data-from=${name}]`));
  if (field.value !== sent.get(name) || !(old || mark)) return;
  field.value = fresh.elements[name].value;
  old?.remove();
  if (mark) field.after(mark);
}

function sendChosen(input) {
  if (input.files.length) send([...input.files]);
  // The same file can be chosen again, and is not sent with the form.
  input.value = "";
}

// Chosen before this script was there.
for (const input of form.querySelectorAll("[type=file]")) sendChosen(input);

form.addEventListener("change", ({ target }) => {
  if (target.type === "file") sendChosen(target);
  // A ticket of all receipts has their sum, one of each its own amount.
  if (target.name === "each") send([]);
});
form.addEventListener("input", ({ target }) => {
  const mark = form.querySelector(`[data-from="${target.name}"]`);
  if (mark && mark.querySelector("input").value !== target.value) mark.remove();
});
form.addEventListener("submit", (event) => {
  if (waiting) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const drop = event.target.closest("[data-drafts] [name=drop]");
  const link = event.target.closest("[data-waiting] a");
  if (!drop && !link) return;
  event.preventDefault();
  if (drop) return send([], ["drop", drop.value]);
  send([], ...new URL(link.href).searchParams);
});

// Files may be dropped anywhere on the page: next to the form is meant for it as well.
for (const type of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    form.querySelector(".drop").toggleAttribute("data-over", type === "dragover");
    if (type === "drop") send([...event.dataTransfer.files]);
  });
}
document.addEventListener("paste", (event) => {
  if (!event.clipboardData.files.length) return;
  event.preventDefault();
  send([...event.clipboardData.files]);
});
