// Working through a list of tickets with the keyboard. Everything here also works without it.

const rows = [...document.querySelectorAll("tr[data-ticket]")];
const boxes = rows.map((row) => row.querySelector("input[name=ticket]")).filter(Boolean);
const dialog = document.getElementById("keys");
let current = -1;

function select(index) {
  if (!rows.length) return;
  rows[current]?.removeAttribute("data-current");
  current = Math.max(0, Math.min(index, rows.length - 1));
  rows[current].setAttribute("data-current", "");
  rows[current].querySelector("[data-open]").focus({ preventScroll: true });
  rows[current].scrollIntoView({ block: "nearest" });
}

function deny() {
  const place = rows[current]?.querySelector("details.deny");
  if (place) {
    place.open = true;
    place.querySelector("input[name=reason]").focus();
    return;
  }
  const button = document.querySelector("main [data-deny]");
  const reason = document.getElementById("reason");
  if (button && reason.value.trim()) button.click();
  else if (button) reason.focus();
}

function approve() {
  const scope = rows.length ? rows[current] : document;
  scope?.querySelector("[data-approve]")?.click();
}

function toggle() {
  const box = rows[current]?.querySelector("input[name=ticket]");
  if (!box) return;
  box.checked = !box.checked;
  showSelected();
}

function go(selector, step) {
  if (rows.length) select(current + step);
  else document.querySelector(selector)?.click();
}

const actions = {
  j: () => go("[data-next]", 1),
  k: () => go("[data-previous]", -1),
  x: toggle,
  a: approve,
  d: deny,
  u: () => document.querySelector("[data-undo]")?.click(),
  "/": () => document.getElementById("q")?.focus(),
  "?": () => dialog.showModal(),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select, dialog[open]");
  if (event.key === "Escape" && event.target.closest("details.deny")) {
    event.target.closest("details.deny").open = false;
    select(current);
    return;
  }
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

for (const [index, row] of rows.entries()) {
  row.addEventListener("focusin", () => {
    rows[current]?.removeAttribute("data-current");
    current = index;
    row.setAttribute("data-current", "");
  });
}

// After a decision the list is another page; the cursor stays where it was on this one.

const CURSOR = "cursor";

for (const [index, row] of rows.entries()) {
  row.addEventListener("submit", () => {
    sessionStorage.setItem(CURSOR, JSON.stringify({ here: location.href, index }));
  });
}

const kept = JSON.parse(sessionStorage.getItem(CURSOR) ?? "null");
if (rows.length && kept?.here === location.href) select(kept.index);
if (rows.length) sessionStorage.removeItem(CURSOR);

// What is selected, said beside the buttons.

const bulk = document.getElementById("bulk");
const pageBox = document.querySelector("[data-select-all]");

function showSelected() {
  if (!bulk) return;
  const number = boxes.filter((box) => box.checked).length;
  bulk.querySelector("[data-selected]").textContent = number ? String(number) : "";
  const box = pageBox.querySelector("input");
  box.checked = number === boxes.length && number > 0;
  box.indeterminate = number > 0 && number < boxes.length;
}

if (bulk && boxes.length) {
  pageBox.addEventListener("change", (event) => {
    for (const box of boxes) box.checked = event.target.checked;
    showSelected();
  });
  for (const box of boxes) box.addEventListener("change", showSelected);
  showSelected();
}

// An address without the inputs that were left empty.

document.querySelector("form.filters")?.addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
});

// Names to choose from while one types, a few at a time.

const employee = document.querySelector("[data-suggest]");
let asked = 0;

employee?.addEventListener("input", async () => {
  const text = employee.value.trim();
  const turn = ++asked;
  if (text.length < 2) return;
  await new Promise((resolve) => setTimeout(resolve, 150));
  if (turn !== asked) return;
  const query = new URLSearchParams({ q: text, limit: "10" });
  const answer = await fetch(`${employee.dataset.suggest}?${query}`);
  if (!answer.ok || turn !== asked) return;
  const { items } = await answer.json();
  employee.list.replaceChildren(
    ...items.map(({ email, username }) => new Option(username, email)),
  );
});

document.documentElement.classList.add("scripted");

for (const button of document.querySelectorAll("[data-keys]")) {
  button.addEventListener("click", () => dialog.showModal());
}
