// Receipts on a ticket's page can be turned and enlarged.

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-turn], [data-zoom]");
  const pages = button?.closest(".receipt").querySelector(".receipt-pages");
  if (!pages) return;
  if (button.matches("[data-turn]")) {
    const turned = ((Number(pages.dataset.turned) || 0) + 90) % 360;
    pages.dataset.turned = turned;
    pages.style.setProperty("--turned", `${turned}deg`);
  } else {
    button.setAttribute("aria-pressed", pages.toggleAttribute("data-enlarged"));
  }
});
