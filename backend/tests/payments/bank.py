"""People with accounts, and what the tests of bank files share."""

from typing import Any

import httpx

from expenses.payments.payout import PayoutDetails, set_payout
from expenses.users.queries import UserView
from tests.harness import AppTestCase, make_settings

RUNS = "/api/payment-runs"
COMPANY_IBAN = "DE89370400440532013000"
IBAN = "NL91ABNA0417164300"
OTHER_IBAN = "FR1420041010050500013M02606"


class BankTestCase(AppTestCase):
    boss: UserView
    ada: UserView
    ben: UserView

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss = await self.new_employer("Dana")
        self.ada = await self.new_employee("Ada")
        self.ben = await self.new_employee("Ben")
        self.set_company(company_iban=COMPANY_IBAN)
        self.api = await self.program_of(self.boss)
        self.browser = await self.browser_of(self.boss)

    def set_company(self, **values: Any) -> None:
        self.settings = self.app.state.settings = make_settings(**values)

    async def payout(self, owner: UserView, **fields: str) -> None:
        nothing: dict[str, Any] = dict.fromkeys(("iban", "bic", "account", "bank"))
        details = PayoutDetails(**nothing | {"holder": owner.username} | fields)
        async with self.database.transaction() as connection:
            await set_payout(connection, details, actor=owner, settings=self.settings)

    async def confirmed(self, *amounts: tuple[UserView, str], currency: str = "EUR") -> int:
        """A confirmed run of one ticket for each amount."""
        for owner, amount in amounts:
            await self.new_due_ticket(owner, by=self.boss, amount=amount, currency=currency)
        run = await self.new_run(by=self.boss, currency=currency)
        await self.confirm(run, by=self.boss)
        return run

    async def number_of(self, run: int) -> str:
        number: str = (await self.api.get(f"{RUNS}/{run}")).json()["number"]
        return number

    async def pay_some(self, run: int, *owners: UserView) -> None:
        tickets = []
        for owner in owners:
            listed = await self.api.get(f"{RUNS}/{run}/tickets", params={"employee": owner.id})
            tickets += [each["id"] for each in listed.json()["items"]]
        day = self.settings.today().isoformat()
        paid = await self.api.post(f"{RUNS}/{run}/pay", json={"paid_on": day, "tickets": tickets})
        self.assertEqual(paid.status_code, 200, paid.text)

    async def make(self, run: int, kind: str = "sepa") -> httpx.Response:
        return await self.api.post(f"{RUNS}/{run}/file", json={"kind": kind})

    async def made(self, run: int, kind: str = "sepa") -> dict[str, Any]:
        answer = await self.make(run, kind)
        self.assertEqual(answer.status_code, 200, answer.text)
        file: dict[str, Any] = answer.json()
        return file
