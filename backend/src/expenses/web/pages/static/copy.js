// Copies what is shown only once. Browsers have a clipboard only on HTTPS and on this computer.

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const text = button.querySelector("[data-copied]");
    const source = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      text.textContent = text.dataset.copied;
    });
  }
}
