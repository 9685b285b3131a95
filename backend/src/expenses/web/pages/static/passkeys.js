// Asks the browser for a passkey when a form is sent, and sends its answer with the form.

const isKnown = typeof window.PublicKeyCredential?.parseRequestOptionsFromJSON === "function";

async function send(form) {
  const problem = form.querySelector("[role=alert]");
  problem.hidden = true;
  try {
    const response = await fetch(form.dataset.passkey, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    // The session has ended: the address of the log-in page leads back.
    if (response.redirected) return location.assign(response.url);
    const body = await response.json();
    if (!response.ok) return say(problem, body.errors?.[0].message ?? body.detail);
    form.elements.credential.value = JSON.stringify(await answer(body));
    // It was checked with the question.
    if (form.elements.password) form.elements.password.disabled = true;
    form.submit();
  } catch {
    // Cancelled, timed out, or not at an address that passkeys work for.
    say(problem, problem.dataset.failed);
  }
}

function answer(question) {
  if ("user" in question) {
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(question) });
  }
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(question) });
}

function say(problem, text) {
  problem.textContent = text;
  problem.hidden = false;
}

if (isKnown) {
  for (const note of document.querySelectorAll("[data-unless-passkeys]")) note.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form);
    });
  }
} else {
  for (const form of document.querySelectorAll("form[data-passkey]")) form.hidden = true;
}
