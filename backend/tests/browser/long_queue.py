"""An employer who decides a long queue by keyboard."""

import statistics
import time

from playwright.sync_api import expect

from tests.browser.test_console import QueueTestCase

# From the key that decides until the next ticket is there, in the list and beside it.
STOPWATCH = """() => {
  window.waits = [];
  let pressed = 0, decided = null;
  const shown = () => document.querySelector("tr[data-current]")?.dataset.ticket;
  window.addEventListener("keydown", (event) => {
    if (event.key === "a" || event.key === "1") [pressed, decided] = [event.timeStamp, shown()];
  }, true);
  new MutationObserver(() => {
    const heading = document.querySelector("#ticket article")?.textContent ?? "";
    if (!pressed || shown() === decided || !heading.includes("#" + shown())) return;
    window.waits.push(performance.now() - pressed);
    pressed = 0;
  }).observe(document.body, { attributes: true, childList: true, subtree: true });
}"""


class ByKeyboard(QueueTestCase):
    def test_sixty_tickets_take_little_more_than_a_key_each(self) -> None:
        self.dana.api.post(
            f"/api/tickets/{self.ada.file()}/deny", json={"reason": "Not a business lunch"}
        )
        tickets = self.lunches(60)
        page = self.open(self.dana)
        page.evaluate(STOPWATCH)
        pressed = 1
        page.keyboard.press("j")
        for place, ticket in enumerate(tickets):
            current = page.locator(f"tr[data-current][data-ticket='{ticket}']")
            expect(current).to_be_visible()
            page.wait_for_timeout(310)
            for key in "d1" if place % 6 == 0 else "a":
                page.keyboard.press(key)
                pressed += 1
            if place == 49:
                # The rest of the list comes by itself.
                expect(self.row(page, tickets[50])).to_be_visible(timeout=8_000)
                page.keyboard.press("j")
                pressed += 1
        expect(page.locator("#tabs .count").first).to_have_text("0")
        self.assertEqual(
            self.status_of(*tickets),
            ["denied" if place % 6 == 0 else "approved" for place in range(60)],
        )
        # The last one is undone though the list has been filled anew.
        page.keyboard.press("u")
        expect(page.locator("#tabs .count").first).to_have_text("1")
        self.assertEqual(self.status_of(tickets[-1]), ["pending"])
        self.assertLessEqual(pressed, 60 * 1.2 + 2)
        self.report(page.evaluate("window.waits"))

    def report(self, waits: list[float]) -> None:
        """Say how long it took. It is no limit: a busy machine would break it."""
        self.assertGreater(len(waits), 50)
        wait, answer = statistics.median(waits), statistics.median(self.answers())
        print(  # noqa: T201
            f"From a key to the next ticket: {wait:.0f} ms, "
            f"{wait / answer:.0f} times the API's list of tickets ({answer:.1f} ms)."
        )

    def answers(self) -> list[float]:
        """Milliseconds that the API takes for its list."""
        times = []
        for _ in range(50):
            began = time.perf_counter()
            self.dana.api.get("/api/tickets").raise_for_status()
            times.append((time.perf_counter() - began) * 1000)
        return times
