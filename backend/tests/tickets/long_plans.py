"""Lists of a long history: PostgreSQL walks along an index, and neither sorts nor reads it all."""

import asyncio
import json
from typing import Any, ClassVar

from sqlalchemy import select

from benchmarks.company import COMMON_WORD
from benchmarks.fill import connected, fill
from expenses.console.overview import MAX_OWED
from expenses.tickets.counts import COUNT_LIMIT
from expenses.tickets.filters import Sort
from expenses.tickets.overview_statements import PENDING_COMPARED
from expenses.users.models import Role, User
from expenses.users.queries import VIEW, UserView
from tests.harness import CommittingTestCase, Sent, new_database

SIZE = 100_000
CONSOLE, PORTAL, API = "/admin/ticket/list", "/tickets", "/api/tickets"


def rows_read(plan: dict[str, Any], table: str) -> int:
    """By a node of a plan and those below it."""
    own = plan["Actual Rows"] * plan["Actual Loops"] if plan.get("Relation Name") == table else 0
    return int(own) + sum(rows_read(below, table) for below in plan.get("Plans", ()))


class PlanTestCase(CommittingTestCase):
    """Each class has a filled database of its own, since its requests change it."""

    filled: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.filled = new_database()
        asyncio.run(fill(cls.filled, SIZE, lambda *_: None))

    def setUp(self) -> None:
        self._address = self.filled

    async def somebody(self, role: Role) -> UserView:
        query = select(*VIEW).where(User.role == role, User.suspended_at.is_(None)).limit(1)
        async with self.database.reading() as connection:
            return UserView._make((await connection.execute(query)).one())

    async def plan(self, statement: str, values: Any) -> str:
        async with connected(self._address) as connection:
            rows = await connection.fetch(f"EXPLAIN {statement}", *values)
        return "\n".join(row[0] for row in rows)

    async def rows_read(self, sent: Sent, *tables: str) -> int:
        async with connected(self._address) as connection:
            explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {sent.sql}"
            [found] = json.loads(await connection.fetchval(explained, *sent.values))
        return sum(rows_read(found["Plan"], table) for table in tables)


class Plans(PlanTestCase):
    async def test_no_tab_and_no_order_sorts_or_scans(self) -> None:
        await self.assert_quick(
            await self.somebody(Role.EMPLOYER),
            *(
                f"{CONSOLE}?status={status}&sort={sort}"
                for status in ("pending", "approved", "denied", "withdrawn", "all")
                for sort in Sort
            ),
            *(f"{API}?sort={sort}" for sort in Sort),
            f"{API}?status=denied",
        )

    async def test_pages_far_behind_are_like_the_first(self) -> None:
        boss = await self.somebody(Role.EMPLOYER)
        api = await self.program_of(boss)
        for sort in Sort:
            first = (await api.get(API, params={"sort": sort, "limit": 100})).json()
            await self.assert_quick(boss, f"{API}?sort={sort}&cursor={first['next']}")

    async def test_one_employees_tickets_need_no_others(self) -> None:
        ada, boss = await self.somebody(Role.EMPLOYEE), await self.somebody(Role.EMPLOYER)
        await self.assert_quick(
            boss, f"{API}?owner={ada.id}", f"{CONSOLE}?status=all&employee={ada.email}"
        )
        await self.assert_quick(
            ada, API, PORTAL, f"{PORTAL}?status=approved", f"{PORTAL}?q=zzzzqq", sorts=True
        )

    async def test_a_search_without_a_hit_reads_no_tickets(self) -> None:
        await self.assert_quick(
            await self.somebody(Role.EMPLOYER),
            f"{CONSOLE}?status=all&q=zzzzqq",
            f"{API}?q=zzzzqq",
            f"{API}?merchant=zzzzqq",
            sorts=True,
        )

    async def test_a_frequent_word_is_found_without_the_list_of_all_its_tickets(self) -> None:
        boss = await self.browser_of(await self.somebody(Role.EMPLOYER))
        for path in (f"{CONSOLE}?status=all&q={COMMON_WORD}", f"{API}?q={COMMON_WORD}"):
            with self.counted_statements() as statements:
                await boss.get(path)
            searches = [sent for sent in statements if "ticket_text" in sent.sql]
            self.assertTrue(searches)
            for search in searches:
                plan = await self.plan(search.sql, search.values)
                self.assertIn("Index Scan Backward using pk_tickets", plan)

    async def test_an_employee_is_found_by_name_without_looking_at_all(self) -> None:
        boss = await self.browser_of(await self.somebody(Role.EMPLOYER))
        with self.counted_statements() as statements:
            await boss.get(f"{CONSOLE}?status=all&employee=Somebody")
        [search] = [sent for sent in statements if "folded(users.username)" in sent.sql]
        async with connected(self._address) as connection:
            # Where employees are as few as here, looking at all of them is quicker.
            await connection.execute("SET enable_seqscan = off")
            plan = await connection.fetch(f"EXPLAIN {search.sql}", *search.values)
        self.assertNotIn("Seq Scan", "\n".join(row[0] for row in plan))

    async def test_what_is_like_a_page_is_looked_up(self) -> None:
        boss = await self.browser_of(await self.somebody(Role.EMPLOYER))
        with self.counted_statements() as statements:
            await boss.get(f"{CONSOLE}?status=approved")
        [hints] = [sent for sent in statements if "unnest" in sent.sql]
        plan = await self.plan(hints.sql, hints.values)
        for index in ("ix_tickets_owner_id_spent_on_amount", "ix_tickets_link_keys"):
            self.assertIn(f"Scan {'using' if 'owner' in index else 'on'} {index}", plan)

    async def test_the_overview_reads_sums_and_few_tickets(self) -> None:
        boss = await self.browser_of(await self.somebody(Role.EMPLOYER))
        with self.counted_statements() as statements:
            await boss.get("/admin/overview")
        read = 0
        for sent in statements:
            read += await self.rows_read(sent, "tickets", "payment_lines")
        # Some of the pending ones are compared with each other; where much is owed, since when.
        self.assertLess(read, PENDING_COMPARED + MAX_OWED * 100)

    async def assert_quick(self, user: UserView, *paths: str, sorts: bool = False) -> None:
        """With `sorts`, the few that were found through an index may be put into order."""
        browser = await self.browser_of(user)
        for path in paths:
            with self.counted_statements() as statements:
                answer = await browser.get(path)
            self.assertEqual(answer.status_code, 200, path)
            for statement in statements:
                with self.subTest(path=path, statement=statement):
                    plan = await self.plan(statement.sql, statement.values)
                    # What is counted up to a limit may be read in any order: that stops early.
                    if "Seq Scan on tickets" in plan:
                        read = await self.rows_read(statement, "tickets")
                        self.assertLess(read, 1.2 * COUNT_LIMIT)
                    if not sorts and "ORDER BY tickets" in statement.sql:
                        self.assertNotIn("Sort", plan)
