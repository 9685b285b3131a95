// The check of an import that was sent after the session had ended goes on after logging in again.

const KEPT = "import";
const check = document.querySelector("form[data-check]");
const resume = document.querySelector("form[data-resume]");
const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");

if (check) {
  sessionStorage.removeItem(KEPT);
  check.addEventListener("submit", (event) => {
    const fields = [...new FormData(check, event.submitter)];
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ owner: check.dataset.owner, fields }));
    } catch {
      // A very long file is more than a browser keeps: it has to be chosen again.
    }
  });
}

if (resume && kept?.owner === resume.dataset.owner) {
  for (const [name, value] of kept.fields) {
    const input = document.createElement("textarea");
    Object.assign(input, { name, value, hidden: true });
    resume.append(input);
  }
  resume.hidden = false;
}
