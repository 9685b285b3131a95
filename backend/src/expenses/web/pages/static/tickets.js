// Filing tickets: a hint while one types, and decisions that count as seen once they were looked
// at. Everything here also works without it.

const TYPING_PAUSE = 300;
const SEEN_AFTER = 2000;

// What looks like the ticket in the form. A change takes back that the hint was read.

const form = document.querySelector("form[data-duplicates]");
const place = form.querySelector("[data-hints]");
const button = form.querySelector("[data-anyway]");
const warning = form.querySelector("[data-warning]");
let turn = 0;

function show({ hints, receipt }) {
  form.querySelector("[data-expected]").textContent = receipt;
  form.elements.confirm.value = hints.length ? "1" : "";
  button.textContent = hints.length ? button.dataset.anyway : button.dataset.usual;
  place.replaceChildren();
  if (!hints.length) return;
  place.append(warning.content.cloneNode(true));
  place.querySelector("ul").append(...hints.map(item));
  place.scrollIntoView({ block: "nearest" });
}

function item({ address, sentence }) {
  const link = Object.assign(document.createElement("a"), { href: address, target: "_blank" });
  link.textContent = sentence;
  const line = document.createElement("li");
  line.append(link);
  return line;
}

async function look() {
  const mine = ++turn;
  form.elements.confirm.value = "";
  await new Promise((resolve) => setTimeout(resolve, TYPING_PAUSE));
  if (mine !== turn) return;
  const found = await ask();
  if (mine === turn && found) show(found);
}

async function ask() {
  try {
    // A session that has ended leads to the log-in page; the next click says so.
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.dataset.duplicates, { method: "POST", body, redirect: "manual" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

// What was sent while the session had ended is still there after logging in again.

const SENT = "ticket";
const TYPED = ["key", "amount", "currency", "description", "category", "spent_on", "merchant", "links"];

function restore() {
  const sent = JSON.parse(sessionStorage.getItem(SENT) ?? "null");
  sessionStorage.removeItem(SENT);
  const isAnswered = new URLSearchParams(location.search).has("filed") || form.elements.amount.value;
  if (isAnswered || sent?.owner !== form.dataset.owner) return;
  for (const [name, value] of sent.fields) form.elements[name].value = value;
  form.closest(".new-ticket").classList.add("is-open");
}

function keep() {
  const fields = [...new FormData(form)].filter(([name]) => TYPED.includes(name));
  sessionStorage.setItem(SENT, JSON.stringify({ owner: form.dataset.owner, fields }));
}

form.addEventListener("submit", keep);
// Receipts that were sent find out first.
form.addEventListener("keep", keep);
restore();
// An import that led here has been filed.
sessionStorage.removeItem("import");

form.addEventListener("input", (event) => {
  if (["spent_on", "amount", "currency", "links"].includes(event.target.name)) look();
});
if (form.elements.amount.value && !form.elements.confirm.value) look();

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

// What was filed just now is looked for first.
document.querySelector("tr.fresh")?.scrollIntoView({ block: "nearest" });

// Seen is what was on a visible page for a moment.

const seen = document.querySelector("form[data-seen]");
let looking;

function watch() {
  clearTimeout(looking);
  if (document.visibilityState === "visible") looking = setTimeout(markSeen, SEEN_AFTER);
}

async function markSeen() {
  document.removeEventListener("visibilitychange", watch);
  const body = new URLSearchParams(new FormData(seen));
  try {
    await fetch(seen.action, { method: "POST", body, redirect: "manual" });
  } catch {
    // It stays marked, and the button is there.
    return;
  }
  seen.querySelector("button").hidden = true;
}

if (seen) {
  document.addEventListener("visibilitychange", watch);
  watch();
}
