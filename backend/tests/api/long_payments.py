"""All pairs of steps over one run at the same moment, and twenty runs at once, again and again.

`PAYMENT_ROUNDS` says how often.
"""

import asyncio
import os
from collections import Counter
from itertools import product
from typing import Any

from sqlalchemy import text

from tests.api.test_payment_races import RUNS, RaceTestCase
from tests.harness import CommittingTestCase
from tests.payment_consistency import inconsistencies

TICKETS, RUNS_AT_ONCE = 500, 20
TIMES = int(os.environ.get("PAYMENT_ROUNDS", "50"))


class AllRaces(RaceTestCase):
    async def test_over_a_draft(self) -> None:
        names = ("draft", "confirm", "cancel", "take_out", "reopen", "undo", "suspend")
        await self.race_all(product(names, repeat=2))

    async def test_over_a_confirmed_run(self) -> None:
        names = ("pay", "pay_some", "cancel", "take_out", "reopen", "undo", "suspend")
        await self.race_all(product(names, repeat=2), "confirm")

    async def test_over_a_partly_paid_run(self) -> None:
        names = ("pay", "take_out", "suspend")
        await self.race_all(product(names, repeat=2), "confirm", "pay_some")

    async def test_over_a_paid_run(self) -> None:
        names = ("void", "reopen", "undo", "suspend", "draft")
        await self.race_all(product(names, repeat=2), "confirm", "pay")

    async def test_while_somebody_is_suspended(self) -> None:
        names = ("draft", "confirm", "reactivate", "cancel", "undo")
        await self.race_all(product(names, repeat=2), "suspend")


class ManyRunsAtOnce(CommittingTestCase):
    async def test_each_ticket_is_in_one_of_them(self) -> None:
        bosses = [await self.new_employer() for _ in range(4)]
        people = [await self.new_employee() for _ in range(10)]
        tickets = {
            await self.new_due_ticket(people[number % 10], by=bosses[0])
            for number in range(TICKETS)
        }
        programs = [await self.program_of(boss) for boss in bosses]
        for time in range(TIMES):
            # Half of them ask for everything, the others for tickets that overlap.
            bodies = [
                {"currency": "USD"}
                | ({} if number % 2 else {"tickets": sorted(tickets)[number * 20 :][:150]})
                for number in range(RUNS_AT_ONCE)
            ]
            answers = await asyncio.gather(
                *(programs[number % 4].post(RUNS, json=body) for number, body in enumerate(bodies))
            )
            with self.subTest(time=time):
                self.assertLessEqual({answer.status_code for answer in answers}, {201, 409})
                made = [answer.json() for answer in answers if answer.status_code == 201]
                self.assertEqual(sum(run["tickets"] for run in made), TICKETS)
                self.assertEqual(await inconsistencies(self._rows), [])
                there = await self._rows("SELECT ticket_id FROM payment_lines WHERE is_active")
                self.assertEqual(Counter(row[0] for row in there), Counter(tickets))
            reason = {"reason": "Once more"}
            ended = await asyncio.gather(
                *(programs[0].post(f"{RUNS}/{run['id']}/cancel", json=reason) for run in made)
            )
            self.assertEqual({answer.status_code for answer in ended}, {200})

    async def _rows(self, query: str) -> list[Any]:
        async with self.database.reading() as connection:
            return list(await connection.execute(text(query)))
