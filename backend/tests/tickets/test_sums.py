"""The sums of the overview: what they say is what the tickets come to, whatever happens."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import text

from expenses.database.distribution import NO_SUMS
from expenses.errors import ExpensesError
from expenses.payments import actions as payment_actions
from expenses.tickets import actions, decisions
from expenses.tickets.folding import fold, recount
from expenses.tickets.schemas import TicketChanges
from expenses.users import actions as user_actions
from expenses.users import erasure
from expenses.users.queries import UserView
from tests.harness import AppTestCase, CommittingTestCase
from tests.tickets.summing import CURRENCIES, add_up, has_changes, read


class Company(AppTestCase):
    """People and what they do, one after the other or all at once."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss = await self.new_employer()
        self.people = [await self.new_employee() for _ in range(12)]
        self.today = self.settings.today()
        self.random = Random(20)

    async def file(self, owner: UserView) -> int:
        """Of the last 14 months, and of tomorrow."""
        return await self.new_ticket(
            owner,
            spent_on=self.today - timedelta(days=self.random.choice((-1, 0, 5, 20, 40, 200, 420))),
            amount=f"{self.random.randint(1, 90)}.25",
            currency=self.random.choice(CURRENCIES),
            category=self.random.choice(("meals", "travel")),
        )

    async def reopen(self, ticket_id: int) -> None:
        async with self.database.transaction() as connection:
            await decisions.reopen_ticket(
                connection, ticket_id, actor=self.boss, reason="The wrong month"
            )

    async def edit(self, ticket_id: int, owner: UserView) -> None:
        changes = TicketChanges.model_validate(
            {"amount": f"{self.random.randint(1, 90)}.75", "currency": "EUR", "category": "lodging"}
            | {"spent_on": self.today - timedelta(days=self.random.randint(0, 60))}
        )
        async with self.database.transaction() as connection:
            await actions.edit_ticket(
                connection, ticket_id, changes, actor=owner, settings=self.settings
            )

    async def reactivate(self, employee: UserView) -> None:
        async with self.database.transaction() as connection:
            await user_actions.reactivate(connection, employee.id, actor=self.boss)

    async def erase(self, employee: UserView) -> None:
        async with self.database.transaction() as connection:
            await erasure.erase(
                connection, employee.id, typed_email=employee.email, actor=self.boss
            )

    async def void(self, run_id: int) -> None:
        async with self.database.transaction() as connection:
            await payment_actions.void_run(connection, run_id, "A mistake", actor=self.boss)

    async def fold(self) -> None:
        async with self.database.transaction() as connection:
            await fold(connection)

    async def recount(self) -> None:
        async with self.database.transaction() as connection:
            await recount(connection)

    async def assert_exact(self) -> None:
        async with self.database.reading() as connection:
            self.assertEqual(
                await read(connection, self.boss, self.today), await add_up(connection, self.today)
            )


class Changes(Company):
    async def test_each_change_counts_at_once_and_once_it_is_in_the_sums(self) -> None:
        ada, ben, *others = self.people
        await self.assert_exact()
        tickets = [await self.file(owner) for owner in self.people for _ in range(4)]
        for ticket in tickets[::2]:
            await self.approve(ticket, by=self.boss)
        await self.fold()
        await self.assert_exact()
        run = 0

        async def pay() -> None:
            nonlocal run
            run = await self.new_run(by=self.boss)
            await self.confirm(run, by=self.boss)
            await self.pay(run, by=self.boss)

        changes: tuple[Callable[[], Awaitable[None]], ...] = (
            lambda: self.reopen(tickets[0]),
            lambda: self.edit(tickets[0], ada),
            lambda: self.approve(tickets[0], by=self.boss),
            lambda: self.deny(tickets[1], by=self.boss),
            lambda: self.withdraw(tickets[3], by=ada),
            lambda: self.suspend(ben, by=self.boss),
            lambda: self.reopen(tickets[2]),
            lambda: self.reactivate(ben),
            pay,
            lambda: self.suspend(others[0], by=self.boss),
            lambda: self.void(run),
            lambda: self.erase(others[0]),
        )
        for change in changes:
            await change()
            await self.assert_exact()
            await self.fold()
            await self.assert_exact()
        async with self.database.reading() as connection:
            self.assertFalse(await has_changes(connection))

    async def test_changes_between_two_times_need_no_order(self) -> None:
        ada, ben, *_ = self.people
        tickets = [await self.file(owner) for owner in (ada, ben) for _ in range(5)]
        for ticket in tickets:
            await self.approve(ticket, by=self.boss)
        await self.fold()
        await self.suspend(ben, by=self.boss)
        await self.reopen(tickets[0])
        await self.edit(tickets[0], ada)
        await self.assert_exact()
        await self.reactivate(ben)
        await self.reopen(tickets[7])
        await self.suspend(ada, by=self.boss)
        await self.assert_exact()
        await self.fold()
        await self.reactivate(ada)
        await self.assert_exact()
        await self.recount()
        await self.assert_exact()

    async def test_rows_that_someone_else_writes_count_too(self) -> None:
        await self.approve(await self.file(self.people[0]), by=self.boss)
        await self.fold()
        async with self.database.transaction() as connection:
            await connection.execute(text("UPDATE tickets SET amount = 7, currency = 'EUR'"))
        await self.assert_exact()

    async def test_in_a_distributed_database_all_tickets_count_as_changed(self) -> None:
        for owner in self.people:
            await self.approve(await self.file(owner), by=self.boss)
        await self.fold()
        async with self.database.transaction() as connection:
            await connection.execute(text("DROP TRIGGER tickets_note_change ON tickets"))
            for statement in NO_SUMS:
                await connection.execute(text(statement))
        await self.suspend(self.people[0], by=self.boss)
        await self.file(self.people[1])
        for keep in (self.fold, self.recount):
            await keep()
            await self.assert_exact()


class Races(Company, CommittingTestCase):
    """Reads while everything changes, each as of one moment."""

    rounds = 2

    async def test_no_moment_is_wrong(self) -> None:
        await asyncio.gather(*(self.file(owner) for owner in self.people for _ in range(3)))
        await self.recount()
        writers = [self.write(self.people[number::4]) for number in range(4)]
        writing = asyncio.gather(*writers, self.keep_sums(), self.pay_all())
        compared = 0
        while not writing.done():
            await self.assert_exact_at_one_moment()
            compared += 1
        await writing
        await self.assert_exact_at_one_moment()
        self.assertGreater(compared, 3)

    async def write(self, people: list[UserView]) -> None:
        for _ in range(self.rounds):
            for owner in people:
                ticket = await self.file(owner)
                await self.attempt(self.approve(ticket, by=self.boss))
                chosen = self.random.random()
                if chosen < 0.5:
                    await self.attempt(self.reopen(ticket))
                    await self.attempt(self.edit(ticket, owner))
                elif chosen < 0.75:
                    await self.attempt(self.suspend(owner, by=self.boss))
                else:
                    await self.attempt(self.reactivate(owner))

    async def pay_all(self) -> None:
        other = await self.new_employer()
        for _ in range(self.rounds):
            run = await self.attempt(self.new_run(by=other))
            if run is not None:
                await self.attempt(self.confirm(run, by=other))
                await self.attempt(self.pay(run, by=other))
                await self.attempt(self.void(run))

    async def keep_sums(self) -> None:
        for number in range(self.rounds * 5):
            await self.attempt(self.recount() if number % 5 == 4 else self.fold())
            await asyncio.sleep(0.05)

    async def attempt(self, action: Awaitable[Any]) -> Any:
        """Others may have been quicker."""
        with suppress(ExpensesError):
            return await action
        return None

    async def assert_exact_at_one_moment(self) -> None:
        async with self.database.engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            self.assertEqual(
                await read(connection, self.boss, self.today), await add_up(connection, self.today)
            )
            await connection.rollback()
