"""An employer who decides a long queue by keyboard."""

from playwright.sync_api import expect

from tests.browser.test_console import QueueTestCase


class ByKeyboard(QueueTestCase):
    def test_sixty_tickets_take_little_more_than_a_key_each(self) -> None:
        self.dana.api.post(
            f"/api/tickets/{self.ada.file()}/deny", json={"reason": "Not a business lunch"}
        )
        tickets = self.lunches(60)
        page = self.open(self.dana)
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
