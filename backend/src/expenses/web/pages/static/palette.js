// Ctrl+K: to a page, an employee or a ticket, by a few letters.

const palette = document.getElementById("palette");
const input = palette.querySelector("input");
const results = palette.querySelector("ul");
const fixed = [...results.children];
let turn = 0;

function item(text, address) {
  const link = document.createElement("a");
  link.href = address;
  link.textContent = text;
  const entry = document.createElement("li");
  entry.append(link);
  return entry;
}

async function employees(text) {
  if (text.length < 2) return [];
  const answer = await fetch(`/api/employees?${new URLSearchParams({ q: text, limit: "8" })}`);
  if (!answer.ok) return [];
  const { items } = await answer.json();
  return items.map(({ id, username, email }) =>
    item(`${username} · ${email}`, `/admin/employee/details/${id}`),
  );
}

// The saved filters of the list that the page shows, if it does.
function saved() {
  const links = document.querySelectorAll("[data-saved]");
  return [...links].map((link) => item(link.textContent.trim(), link.href));
}

async function find() {
  const text = input.value.trim();
  const mine = ++turn;
  const words = text.toLocaleLowerCase();
  const pages = [...fixed, ...saved()].filter((entry) =>
    entry.textContent.toLocaleLowerCase().includes(words),
  );
  const number = text.match(/^#?(\d{1,18})$/)?.[1];
  const ticket = number
    ? [item(palette.dataset.ticket.replace("{n}", number), `/admin/ticket/details/${number}?status=all`)]
    : [];
  const query = new URLSearchParams({ status: "all", q: text });
  const search = text
    ? [item(palette.dataset.search.replace("{text}", text), `/admin/ticket/list?${query}`)]
    : [];
  results.replaceChildren(...ticket, ...pages, ...search);
  const found = await employees(text);
  if (mine === turn) results.replaceChildren(...ticket, ...pages, ...found, ...search);
}

function move(by) {
  const places = [input, ...results.querySelectorAll("a")];
  const next = places.indexOf(document.activeElement) + by;
  places[(next + places.length) % places.length].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  if (palette.open) return palette.close();
  input.value = "";
  find();
  palette.showModal();
});

palette.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") move(1);
  else if (event.key === "ArrowUp") move(-1);
  else if (event.key === "Enter" && event.target === input) results.querySelector("a")?.click();
  else return;
  event.preventDefault();
});

input.addEventListener("input", find);
palette.addEventListener("click", (event) => event.target === palette && palette.close());
