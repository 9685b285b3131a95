// Working through tickets: the list on the left, one ticket on the right. Without this script, each
// of them is a page. What changes comes from the server, as parts of the same pages.

import { showSelected, toggle } from "./selection.js";
import "./viewer.js";
import "./suggest.js";

const wide = matchMedia("(min-width: 1100px)");
const list = document.getElementById("list");
const pane = document.getElementById("ticket");
const toast = document.getElementById("toast");
const keys = document.getElementById("keys");
const search = document.querySelector("form[data-search]");

// In milliseconds: how long a ticket has been on the screen before a key decides it, how long an
// answer may take before its place shows that it is waited for, how long a decided row stays, and how
// long the offer to undo does.
const SETTLED = 300;
const WAITING = 300;
const STAYS = 4_000;
const OFFERED = 15_000;

let current = null;
let shownSince = 0;
let toastTimer = 0;
const ahead = new Map();

// Parts of pages

async function ask(part, address, options = {}) {
  const answer = await fetch(address, { ...options, headers: { "X-Fragment": part } });
  // The session has ended: the log-in page leads back here.
  if (new URL(answer.url).pathname === "/login") location.reload();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { status: answer.status, page };
}

function replace(place, page) {
  place.replaceChildren(...page.body.childNodes);
}

// Of several answers that are under way, only the last one wanted is shown. Says whether it came.
async function fill(place, part, isWanted) {
  const timer = setTimeout(() => place.setAttribute("aria-busy", "true"), WAITING);
  try {
    const { page } = await part;
    if (isWanted()) replace(place, page);
    return true;
  } catch {
    if (isWanted()) say(toast.dataset.unreachable);
    return false;
  } finally {
    clearTimeout(timer);
    if (isWanted()) place.removeAttribute("aria-busy");
  }
}

// The row under the cursor

const rows = () => [...list.querySelectorAll("tr[data-ticket]:not([hidden])")];
const rowOf = (number) => list.querySelector(`tr[data-ticket="${number}"]`);
const linkOf = (row) => row.querySelector("a.description");
const isPending = (row) => row?.querySelector("[data-approve]") && !row.hasAttribute("data-busy");

function mark(row) {
  current?.removeAttribute("data-current");
  current = row;
  current?.setAttribute("data-current", "");
  shownSince = performance.now();
}

function go(row) {
  if (!row) return;
  closePanel();
  mark(row);
  linkOf(row).focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  if (wide.matches) open(linkOf(row).href);
}

function step(by) {
  const all = rows();
  if (!all.length) return document.querySelector(by > 0 ? "[data-next]" : "[data-previous]")?.click();
  const place = all.indexOf(current);
  go(all[Math.max(0, Math.min(place + by, all.length - 1))]);
}

function following(row) {
  const all = rows();
  const place = all.indexOf(row);
  return [...all.slice(place + 1), ...all.slice(0, place)].find(isPending);
}

// The ticket beside the list. The next one is fetched ahead.

function ticket(address) {
  if (!ahead.has(address)) ahead.set(address, ask("ticket", address));
  return ahead.get(address);
}

async function open(address) {
  const isFirst = !location.pathname.startsWith("/admin/ticket/details/");
  history[isFirst ? "pushState" : "replaceState"](null, "", address);
  await show(address);
  const next = current && following(current);
  if (next) loadAhead(linkOf(next).href);
}

async function loadAhead(address) {
  try {
    const { page } = await ticket(address);
    for (const picture of page.querySelectorAll(".receipt-pages img:first-child")) {
      new Image().src = picture.src;
    }
  } catch {
    // It is tried again once it is wanted.
    ahead.delete(address);
  }
}

async function show(address) {
  const isWanted = () => location.href === address;
  const hasCome = await fill(pane, ticket(address), isWanted);
  ahead.delete(address);
  if (!isWanted()) return;
  if (!hasCome) showNone();
}

function showNone() {
  pane.replaceChildren(document.getElementById("no-ticket").content.cloneNode(true));
}

addEventListener("popstate", () => {
  const isTicket = location.pathname.startsWith("/admin/ticket/details/");
  const [first] = rows();
  const isOfThisList = first && location.search === new URL(linkOf(first).href).search;
  if (!wide.matches || (isTicket && !isOfThisList)) {
    location.reload();
  } else if (isTicket) {
    mark(rowOf(location.pathname.split("/").pop()));
    show(location.href);
  } else {
    mark(null);
    showNone();
  }
});

// Deciding where one stands

async function decide(form, button) {
  const body = new FormData(form, button);
  const action = button?.hasAttribute("formaction") ? button.formAction : form.action;
  const number = form.dataset.decide || body.get("tickets") || button.closest("tr").dataset.ticket;
  const row = rowOf(number);
  const isUndo = body.has("tickets");
  const next = row && following(row);
  row?.setAttribute("data-busy", "");
  closePanel();
  if (!isUndo && next) go(next);
  let answer;
  try {
    answer = await ask("row", action, { method: "POST", body: new URLSearchParams(body) });
  } catch {
    row?.removeAttribute("data-busy");
    say(toast.dataset.unreachable);
    return;
  }
  const { status, page } = answer;
  if (status !== 200 && status !== 409) {
    // What is wrong is said on the ticket's own page, or in the page that came.
    location.assign(row ? linkOf(row).href : action);
    return;
  }
  ahead.clear();
  for (const name of ["tabs", "summary"]) {
    document.getElementById(name)?.replaceWith(page.getElementById(name));
  }
  for (const fresh of page.querySelectorAll("tr[data-ticket]")) settle(fresh);
  say(page.getElementById("message").textContent, status === 200 && !isUndo && rowOf(number));
  if (isUndo && row) go(rowOf(number));
  else if (isUndo) location.reload();
  else if (!next && wide.matches && pane.querySelector(`[data-decide="${number}"]`)) {
    show(location.href);
  }
  showSelected();
  if (!rows().some(isPending)) setTimeout(refill, STAYS);
}

function settle(fresh) {
  const old = rowOf(fresh.dataset.ticket);
  if (!old) return;
  old.replaceWith(fresh);
  if (old === current) mark(fresh);
  if (search.elements.status.value === "pending" && !isPending(fresh)) setTimeout(fold, STAYS, fresh);
}

function fold(row) {
  if (!row.isConnected) return;
  if (row === current || row.matches(":hover, :focus-within")) setTimeout(fold, STAYS, row);
  else row.hidden = true;
}

async function refill() {
  if (rows().some(isPending) || !document.querySelector("#tabs [aria-current] .count")) return;
  if (search.elements.status.value !== "pending") return;
  const mine = ++turn;
  const address = new URL(search.action).pathname + withoutEmpty(search);
  if (await fill(list, ask("list", address), () => mine === turn)) mark(null);
}

function say(message, row) {
  const text = document.createElement("span");
  text.textContent = message;
  const undo = row && row.querySelector("[data-undo]");
  const bar = document.createElement("div");
  bar.className = "toast-bar";
  bar.append(text, ...(undo ? [undo.cloneNode(true)] : []));
  toast.replaceChildren(bar);
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => toast.replaceChildren(), OFFERED);
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-decide], form.deny-panel");
  // On a narrow screen a ticket is a page, and deciding it leads to the next one.
  if (!form || (pane.contains(form) && !wide.matches)) return;
  event.preventDefault();
  decide(form, event.submitter);
});

// Denying opens a panel below the row.

function closePanel() {
  list.querySelector("tr.panel")?.remove();
}

function deny(row) {
  closePanel();
  const panel = document.createElement("tr");
  panel.className = "panel";
  panel.dataset.ticket = "";
  const cell = panel.insertCell();
  cell.colSpan = 5;
  cell.append(document.getElementById("deny-panel").content.cloneNode(true));
  const form = cell.querySelector("form");
  form.action = `/admin/ticket/${row.dataset.ticket}/deny`;
  form.dataset.decide = row.dataset.ticket;
  form.elements.next.value = document.getElementById("rows").elements.next.value;
  form.elements.seen.value = row.querySelector("[data-approve]").value;
  row.after(panel);
  delete panel.dataset.ticket;
  form.elements.reason.focus({ preventScroll: true });
  panel.scrollIntoView({ block: "nearest" });
}

// Its number sends a recent reason. A click fills it in to be read first, or typed over.
function fillIn(button) {
  const field = button.form.elements.reason;
  field.value = button.value;
  field.select();
}

function denyPressed() {
  if (isPending(current)) return deny(current);
  const reason = pane.querySelector("#reason");
  if (reason?.value.trim()) pane.querySelector("[data-deny]").click();
  else reason?.focus();
}

function approvePressed() {
  if (current && !isPending(current)) return;
  (current ?? pane).querySelector("[data-approve]")?.click();
}

// Keys

const isSettled = (event) => !event.repeat && performance.now() - shownSince > SETTLED;

const actions = {
  j: () => step(1),
  k: () => step(-1),
  o: () => current && linkOf(current).click(),
  a: (event) => isSettled(event) && approvePressed(),
  d: (event) => isSettled(event) && denyPressed(),
  u: () => document.querySelector(".toast-bar [data-undo], .news [data-undo]")?.click(),
  v: () => pane.toggleAttribute("data-without-receipts"),
  x: () => toggle(current),
  X: () => toggle(current, { upToLast: true }),
  "/": () => document.getElementById("q").focus(),
  f: () => {
    document.getElementById("filters").open = true;
    document.getElementById("employee").focus();
  },
  "?": () => keys.showModal(),
};

document.addEventListener("keydown", (event) => {
  const panel = event.target.closest("form.deny-panel");
  if (panel && /^[1-9]$/.test(event.key) && !panel.elements.reason.value) {
    const recent = panel.querySelectorAll("[data-reason]")[event.key - 1];
    if (!recent) return;
    event.preventDefault();
    fillIn(recent);
    panel.requestSubmit();
    return;
  }
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("#filters, .save-filter details")) menu.open = false;
    if (panel) go(current);
    return;
  }
  const isTyping = event.target.closest(
    "input:not([type=checkbox], [type=radio]), textarea, select, dialog[open]",
  );
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action(event);
});

// The mouse: a whole row opens its ticket.

list.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-ticket]");
  if (event.target.closest("[data-cancel]")) return go(current);
  const recent = event.target.closest("[data-reason]");
  if (recent) return fillIn(recent);
  if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target.closest("a, button, input, label");
  if (link?.matches("[data-deny]")) {
    event.preventDefault();
    mark(row);
    deny(row);
  } else if (!link || link === linkOf(row)) {
    if (wide.matches) event.preventDefault();
    if (wide.matches) go(row);
    else if (!link) linkOf(row).click();
  }
});

list.addEventListener("focusin", (event) => {
  const row = event.target.closest("tr[data-ticket]");
  if (row && row !== current) mark(row);
});

for (const button of document.querySelectorAll("[data-keys]")) {
  button.addEventListener("click", () => keys.showModal());
}

// Search while one types

let turn = 0;

function withoutEmpty(form) {
  const filled = [...new FormData(form)].filter(([, value]) => value);
  return `?${new URLSearchParams(filled)}`;
}

document.getElementById("q").addEventListener("input", async () => {
  const mine = ++turn;
  await new Promise((resolve) => setTimeout(resolve, 200));
  if (mine !== turn) return;
  const address = new URL(search.action).pathname + withoutEmpty(search);
  const hasCome = await fill(list, ask("list", address), () => mine === turn);
  if (!hasCome || mine !== turn) return;
  history.replaceState(null, "", address);
  mark(null);
});

search.addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
});

document.documentElement.classList.add("scripted");
const number = location.pathname.match(/\/details\/(\d+)$/)?.[1];
if (number) mark(rowOf(number));
showSelected();
