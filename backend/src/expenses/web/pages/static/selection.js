// What is selected in the list, and what it adds up to, in a bar at the bottom.

const list = document.getElementById("list");
let last = null;

const boxes = () => [...list.querySelectorAll("tr:not([hidden]) input[name=ticket]")];

export function toggle(row, { upToLast = false } = {}) {
  const box = row?.querySelector("input[name=ticket]");
  if (!box) return;
  box.checked = !box.checked;
  choose(box, upToLast);
}

function choose(box, upToLast) {
  const all = boxes();
  const places = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
  if (upToLast && places[0] >= 0) {
    for (const each of all.slice(places[0], places[1] + 1)) each.checked = box.checked;
  }
  last = box;
  showSelected();
}

export function showSelected() {
  const bar = document.getElementById("bulk");
  if (!bar) return;
  const all = boxes();
  const chosen = all.filter((box) => box.checked);
  bar.hidden = !chosen.length;
  bar.classList.toggle("is-page", chosen.length === all.length);
  // What is paid is selected row by row.
  const everything = bar.elements.all;
  if (everything && chosen.length < all.length) everything.checked = false;
  const sums = everything?.checked ? [] : amounts(chosen.map((box) => box.dataset));
  const text = everything?.checked ? bar.dataset.all : bar.dataset.some;
  bar.querySelector("[data-selected]").textContent = [
    text.replace("{n}", chosen.length),
    ...sums,
  ].join(" · ");
}

// Sums by currency, in thousandths: whole numbers stay exact.
function amounts(chosen) {
  const sums = new Map();
  for (const { amount, currency } of chosen) {
    sums.set(currency, (sums.get(currency) ?? 0) + Math.round(Number(amount) * 1000));
  }
  return [...sums].map(([currency, sum]) =>
    new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency }).format(
      sum / 1000,
    ),
  );
}

list.addEventListener("click", (event) => {
  if (event.target.matches("input[name=ticket]")) choose(event.target, event.shiftKey);
});
list.addEventListener("change", (event) => {
  if (event.target.matches("input[name=all]")) showSelected();
});
list.addEventListener("reset", (event) => {
  for (const box of boxes()) box.checked = false;
  setTimeout(showSelected);
});
