"""axe on the pages that people see most; `long_axe.py` looks at all of them."""

from tests.browser.harness import BrowserTestCase


class MainPages(BrowserTestCase):
    def test_axe_finds_nothing(self) -> None:
        ada, dana = self.person("Ada"), self.person("Dana", "employer")
        ticket = ada.file()
        dana.api.post(f"/api/tickets/{ticket}/approve").raise_for_status()
        run = dana.api.post("/api/payment-runs", json={"currency": "USD"}).json()["id"]
        dana.api.post(f"/api/payment-runs/{run}/confirm").raise_for_status()
        ada.file()
        screen = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
        for person, paths in (
            (None, ("/login",)),
            (ada, ("/tickets", f"/tickets/{ticket}")),
            (dana, ("/admin/ticket/list", f"/admin/ticket/details/{ticket}", "/admin/overview")),
            (dana, ("/admin/payments", f"/admin/payments/{run}")),
        ):
            page = self.open(person, **screen)
            for path in paths:
                with self.subTest(path=path):
                    page.goto(path)
                    self.assert_accessible(page)
