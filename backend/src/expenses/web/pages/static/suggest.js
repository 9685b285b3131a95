// Names to choose from while one types, a few at a time.

for (const input of document.querySelectorAll("[data-suggest]")) {
  let turn = 0;

  input.addEventListener("input", async () => {
    const text = input.value.trim();
    const mine = ++turn;
    if (text.length < 2) return;
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (mine !== turn) return;
    const query = new URLSearchParams({ q: text, limit: "10" });
    const answer = await fetch(`${input.dataset.suggest}?${query}`);
    if (!answer.ok || mine !== turn) return;
    const { items } = await answer.json();
    input.list.replaceChildren(...items.map(({ email, username }) => new Option(username, email)));
  });
}
