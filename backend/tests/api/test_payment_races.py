"""Two steps at the same moment over one run: one after the other, none half, no deadlock."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import httpx
from sqlalchemy import select, text, update

from expenses.payments.models import line_table, run_table
from expenses.tickets.decisions import decide_tickets
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.tickets.queries import now
from expenses.users.models import user_table
from expenses.users.queries import UserView
from tests.harness import CommittingTestCase
from tests.payment_consistency import inconsistencies

RUNS = "/api/payment-runs"
# What an answer may be: done, or refused for what the other one did.
FINE = {200, 201, 204, 303, 404, 409, 422}

Step = Callable[[], Coroutine[Any, Any, httpx.Response]]


class RaceTestCase(CommittingTestCase):
    """Each pair of steps waits for the same lines, which are then let go."""

    boss: UserView
    people: list[UserView]

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss = await self.new_employer("Dana")
        self.people = [await self.new_employee() for _ in range(2)]
        self.api = await self.program_of(self.boss)
        self.page = await self.browser_of(self.boss)
        # In turn, so that no two of one person are side by side.
        self.tickets = [await self.new_ticket(person) for _ in range(4) for person in self.people]

    async def race_all(self, pairs: Iterable[tuple[str, ...]], *before: str) -> None:
        for pair in pairs:
            steps = await self._begin()
            for name in before:
                self.assertIn((await steps[name]()).status_code, FINE)
            answers = await self._race(*(steps[name] for name in pair))
            with self.subTest(pair=pair):
                for answer in answers:
                    self.assertIn(answer.status_code, FINE, answer.text)
                self.assertEqual(await inconsistencies(self._rows), [])
            await self._end()

    async def _race(self, *steps: Step) -> list[httpx.Response]:
        """Begin one after the other, and let none get far before the last has begun."""
        running: list[asyncio.Task[httpx.Response]] = []
        async with self.database.transaction() as connection:
            lines = select(line_table).where(line_table.c.is_active)
            await connection.execute(lines.with_for_update())
            for step in steps:
                running.append(asyncio.create_task(step()))
                await asyncio.sleep(0.03)
        return await asyncio.gather(*running)

    async def _begin(self) -> dict[str, Step]:
        """Draft all tickets but one, and return what can be done next."""
        await self._approve_all()
        first = self.tickets[:-1]
        run = f"{RUNS}/{await self.new_run(by=self.boss, tickets=first)}"
        employee = f"/api/employees/{self.people[0].id}"
        reason = {"reason": "A mistake"}
        pay = {"paid_on": self.settings.today().isoformat()}

        def post(path: str, body: dict[str, Any] | None = None) -> Step:
            return lambda: self.api.post(path, json=body)

        return {
            "draft": post(RUNS, {"currency": "USD"}),
            "confirm": post(f"{run}/confirm"),
            "cancel": post(f"{run}/cancel", reason),
            "pay": post(f"{run}/pay", pay),
            # What stays is the first person's alone.
            "pay_some": post(f"{run}/pay", pay | {"tickets": first[1::2]}),
            "void": post(f"{run}/void", reason),
            "take_out": lambda: self.api.delete(f"{run}/tickets/{first[0]}"),
            "reopen": post(f"/api/tickets/{first[0]}/reopen", reason),
            "undo": lambda: self.page.post(
                "/admin/ticket/undo",
                data={"tickets": ",".join(map(str, reversed(first))), "next": ""},
            ),
            "suspend": post(f"{employee}/suspend"),
            "reactivate": post(f"{employee}/reactivate"),
        }

    async def _approve_all(self) -> None:
        async with self.database.transaction() as connection:
            seen = dict.fromkeys(self.tickets, await now(connection))
            await decide_tickets(
                connection, seen, TicketStatus.APPROVED, actor=self.boss, reason=None
            )

    async def _end(self) -> None:
        """As if nothing had happened."""
        async with self.database.transaction() as connection:
            for table in (line_table, run_table):
                await connection.execute(table.delete())
            await connection.execute(update(user_table).values(suspended_at=None))
            await connection.execute(update(ticket_table).values(paid_at=None))
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            await connection.execute(text("DELETE FROM events"))

    async def _rows(self, query: str) -> list[Any]:
        async with self.database.reading() as connection:
            return list(await connection.execute(text(query)))


class Races(RaceTestCase):
    """Those in which something went wrong once; `long_payments` runs all pairs."""

    async def test_over_a_draft(self) -> None:
        await self.race_all(
            [
                ("cancel", "reopen"),
                ("take_out", "reopen"),
                ("suspend", "reopen"),
                ("suspend", "draft"),
                ("cancel", "undo"),
                ("confirm", "undo"),
            ]
        )

    async def test_over_a_partly_paid_run(self) -> None:
        pairs = [("take_out", "suspend"), ("suspend", "take_out"), ("suspend", "pay")]
        await self.race_all(pairs, "confirm", "pay_some")
