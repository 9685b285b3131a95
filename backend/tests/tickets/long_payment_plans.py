"""Payment runs after years of them: what is read does not grow with what was paid long ago."""

from typing import Any

from expenses.users.models import Role
from tests.tickets.long_plans import PlanTestCase

RUNS = "/api/payment-runs"


class PaymentPlans(PlanTestCase):
    async def test_what_is_due_is_read_from_an_index_of_what_is_not_paid(self) -> None:
        boss = await self.somebody(Role.EMPLOYER)
        plans = await self.plans(boss, "GET", f"{RUNS}/due")
        self.assertIn("ix_tickets_due", plans)
        self.assertNotIn("Seq Scan on payment_lines", plans)

    async def test_a_run_is_read_without_the_others(self) -> None:
        boss = await self.somebody(Role.EMPLOYER)
        for path in (RUNS, f"{RUNS}?status=paid", f"{RUNS}/7", f"{RUNS}/7/tickets"):
            plans = await self.plans(boss, "GET", path)
            self.assertIn("payment_lines", plans)

    async def test_a_draft_and_its_steps_need_no_tickets_but_theirs(self) -> None:
        boss = await self.somebody(Role.EMPLOYER)
        plans = await self.plans(boss, "POST", RUNS, {"currency": "EUR"})
        self.assertIn("ix_tickets_due", plans)
        api = await self.program_of(boss)
        run = (await api.get(RUNS)).json()["items"][0]
        path = f"{RUNS}/{run['id']}"
        day = self.settings.today().isoformat()
        for step, body in (
            ("confirm", None),
            ("pay", {"paid_on": day}),
            ("void", {"reason": "A mistake"}),
        ):
            await self.plans(boss, "POST", f"{path}/{step}", body)

    async def test_a_suspension_finds_unpaid_lines_by_their_owner(self) -> None:
        boss, ada = await self.somebody(Role.EMPLOYER), await self.somebody(Role.EMPLOYEE)
        plans = await self.plans(boss, "POST", f"/api/employees/{ada.id}/suspend", {})
        self.assertIn("ix_payment_lines_unpaid", plans)

    async def plans(self, user: Any, method: str, path: str, body: Any = None) -> str:
        """Of all the statements of a request; none of them reads a table that grows."""
        api = await self.program_of(user)
        with self.counted_statements() as statements:
            answer = await api.request(method, path, json=body)
        self.assertLess(answer.status_code, 300, answer.text)
        plans = []
        for sent in statements:
            if not sent.sql.startswith("INSERT INTO events"):
                with self.subTest(path=path, statement=sent.sql):
                    plan = await self.plan(sent.sql, sent.values)
                    self.assertNotIn("Seq Scan on tickets", plan)
                    self.assertNotIn("Seq Scan on payment_lines", plan)
                    plans.append(plan)
        return "\n".join(plans)
