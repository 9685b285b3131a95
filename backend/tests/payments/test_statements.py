"""The printable page of what an employee gets in a payment run."""

from tests.payments.bank import RUNS, BankTestCase


class Statement(BankTestCase):
    async def test_shows_what_one_got_and_nothing_of_others(self) -> None:
        self.set_company(company="Contoso & Sons")
        run = await self.confirmed((self.ada, "5.00"), (self.ada, "7.50"), (self.ben, "99.00"))
        number = await self.number_of(run)
        day = self.settings.today().isoformat()
        paid = await self.api.post(
            f"{RUNS}/{run}/pay", json={"paid_on": day, "reference": "E2E/4711"}
        )
        self.assertEqual(paid.status_code, 200, paid.text)
        employee = await self.browser_of(self.ada)
        for page in (
            await employee.get(f"/tickets/payments/{run}"),
            await self.browser.get(f"/admin/payments/{run}/statement/{self.ada.id}"),
        ):
            self.assertEqual(page.status_code, 200)
            for text in (
                number,
                "Contoso &amp; Sons",
                "Ada",
                "€5.00",
                "€7.50",
                "€12.50",
                "E2E/4711",
            ):
                self.assertIn(text, page.text)
            for text in ("Ben", "€99.00"):
                self.assertNotIn(text, page.text)

    async def test_says_what_is_not_paid_yet(self) -> None:
        run = await self.confirmed((self.ada, "5.00"), (self.ada, "7.50"))
        listed = (await self.api.get(f"{RUNS}/{run}/tickets")).json()["items"]
        day = self.settings.today().isoformat()
        await self.api.post(
            f"{RUNS}/{run}/pay", json={"paid_on": day, "tickets": [listed[0]["id"]]}
        )
        page = await (await self.browser_of(self.ada)).get(f"/tickets/payments/{run}")
        self.assertRegex(page.text, r"Not paid yet</dt><dd>€7\.50")

    async def test_is_there_once_a_run_is_confirmed_and_for_those_in_it(self) -> None:
        await self.new_due_ticket(self.ada, by=self.boss, currency="EUR")
        draft = await self.new_run(by=self.boss, currency="EUR")
        ada, ben = await self.browser_of(self.ada), await self.browser_of(self.ben)
        address = f"/tickets/payments/{draft}"
        self.assertEqual((await ada.get(address)).status_code, 404)
        await self.confirm(draft, by=self.boss)
        self.assertEqual((await ada.get(address)).status_code, 200)
        for browser in (ben, self.browser):
            self.assertEqual((await browser.get(address)).status_code, 404)
        for run, owner in ((draft, self.ben.id), (draft, 2**70), (2**70, self.ada.id)):
            page = await self.browser.get(f"/admin/payments/{run}/statement/{owner}")
            self.assertEqual(page.status_code, 404)
        await self.pay(draft, by=self.boss)
        await self.api.post(f"{RUNS}/{draft}/void", json={"reason": "Returned by the bank"})
        self.assertEqual((await ada.get(address)).status_code, 404)

    async def test_of_a_suspended_employee_is_hidden(self) -> None:
        run = await self.confirmed((self.ada, "5.00"))
        await self.pay(run, by=self.boss)
        await self.suspend(self.ada, by=self.boss)
        page = await self.browser.get(f"/admin/payments/{run}/statement/{self.ada.id}")
        self.assertEqual(page.status_code, 404)

    async def test_is_found_from_the_ticket(self) -> None:
        run = await self.confirmed((self.ada, "5.00"))
        await self.pay(run, by=self.boss)
        listed = (await self.api.get(f"{RUNS}/{run}/tickets")).json()["items"]
        page = await (await self.browser_of(self.ada)).get(f"/tickets/{listed[0]['id']}")
        self.assertIn(f'href="/tickets/payments/{run}"', page.text)

    async def test_and_the_bank_file_are_found_from_the_run(self) -> None:
        await self.new_due_ticket(self.ada, by=self.boss, currency="EUR")
        run = await self.new_run(by=self.boss, currency="EUR")
        addresses = (
            f"/admin/payments/{run}/file",
            f"/admin/payments/{run}/statement/{self.ada.id}",
        )
        page = await self.browser.get(f"/admin/payments/{run}")
        for address in addresses:
            self.assertNotIn(f'href="{address}"', page.text)
        await self.confirm(run, by=self.boss)
        page = await self.browser.get(f"/admin/payments/{run}")
        for address in addresses:
            self.assertIn(f'href="{address}"', page.text)
