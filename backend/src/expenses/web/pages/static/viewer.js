// Receipts on a ticket's page can be turned and enlarged.

export function showTools(place) {
  for (const button of place.querySelectorAll("[data-turn], [data-zoom]")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-turn], [data-zoom]");
  const pages = button?.closest(".receipt").querySelector(".receipt-pages");
  if (!pages) return;
  if (button.matches("[data-turn]")) {
    pages.dataset.turned = ((Number(pages.dataset.turned) || 0) + 90) % 360;
  } else {
    button.setAttribute("aria-pressed", pages.toggleAttribute("data-enlarged"));
  }
});

showTools(document);
