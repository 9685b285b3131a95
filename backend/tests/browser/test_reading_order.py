"""What a screen reader says, in its order."""

from playwright.sync_api import expect

from tests.browser.harness import BrowserTestCase, days_ago


class ReadingOrder(BrowserTestCase):
    def test_log_in(self) -> None:
        page = self.open()
        page.goto("/login")
        expect(page.locator("body")).to_match_aria_snapshot("""
            - link "Skip to the content"
            - banner:
              - link "Contoso Expenses"
            - main:
              - heading "Log in or register" [level=1]
              - textbox "E-mail"
              - textbox "Password"
              - button "Log in / Register"
            - contentinfo:
              - link "English · 中文 · Appearance"
            """)

    def test_portal(self) -> None:
        ada = self.person("Ada")
        ada.file(spent_on=days_ago(0))
        page = self.open(ada)
        expect(page.locator("body")).to_match_aria_snapshot("""
            - link "Skip to the content"
            - banner:
              - navigation "Main":
                - link "My tickets"
            - main:
              - heading "My tickets" [level=1]
              - region "Totals":
                - term: Pending
                - definition: $12.50
              - region "New ticket":
                - heading "New ticket" [level=2]
                - textbox "Amount"
                - combobox "Currency"
                - textbox "Description"
                - group "Category":
                  - radio "Travel"
                - textbox "Date"
                - textbox "Merchant"
                - button "File ticket"
              - navigation "Status":
                - list:
                  - listitem:
                    - link "All 1"
              - search:
                - searchbox "Search"
              - region "Tickets":
                - table:
                  - rowgroup:
                    - row / 20.. .12.50/
                    - row:
                      - cell:
                        - link "Lunch with a customer"
                        - list:
                          - listitem:
                            - link "https://receipts.example.com/1"
                      - cell "$12.50"
                      - cell "Pending"
            """)

    def test_queue(self) -> None:
        ada, dana = self.person("Ada"), self.person("Dana", "employer")
        ticket = ada.file()
        page = self.open(dana)
        expect(page.locator("main")).to_match_aria_snapshot(f"""
            - main:
              - heading "Tickets" [level=1]
              - search:
                - searchbox "Search"
              - navigation "Status":
                - list:
                  - listitem:
                    - link "Pending 1"
              - paragraph: "1 ticket: $12.50"
              - region "Tickets":
                - table:
                  - rowgroup:
                    - row "Select Ticket Date Amount Status"
                  - rowgroup:
                    - row:
                      - cell:
                        - checkbox "Select ticket {ticket}"
                      - cell:
                        - link "Lunch with a customer"
                        - link "Ada"
                      - cell /filed/
                      - cell "$12.50"
                      - cell:
                        - button "Approve ticket {ticket}"
                        - link "Deny ticket {ticket}"
            """)
