"""What the benchmarks measure, on a long history: nothing reads as much as all tickets once.

Told by the plans and by the blocks that PostgreSQL touches, which are the same on any machine.
"""

import asyncio
import json
import re
import unittest
from collections.abc import Iterator
from typing import Any, ClassVar

import httpx
from sqlalchemy import event

from benchmarks import sample
from benchmarks.company import PASSWORD
from benchmarks.fill import connected, fill
from benchmarks.routes import Route, reading_routes
from benchmarks.sample import Headers, Sample
from expenses.app import create_app
from expenses.database.engine import Database
from expenses.web.security.cookies import SESSION
from tests.harness import Sent, cookie, make_settings, new_database

SIZE = 100_000
GROWING = {"tickets", "events", "receipts", "payment_lines"}
MOST_IN_VAIN = 1_000
# For the values, and for any values: PostgreSQL chooses once it knows a statement.
PLANS = ("force_custom_plan", "force_generic_plan")
# Walks along all that is approved: PostgreSQL expects more of it to be due than is.
NOT_YET_FLAT = {"console list, due, by amount"}


class Flat(unittest.IsolatedAsyncioTestCase):
    filled: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.filled = new_database()
        asyncio.run(fill(cls.filled, SIZE, lambda *_: None))

    async def test_no_list_and_no_hint_reads_a_long_history(self) -> None:
        for title, complaints in (await self.complaints("")).items():
            with self.subTest(route=title):
                self.assertEqual(complaints, [])

    async def test_a_missing_index_is_noticed(self) -> None:
        for index, title in (
            ("ix_tickets_amount_id", "console list, all, by amount"),
            ("ix_receipts_sha256", "console queue, one with a file"),
            ("ix_payment_lines_run_id_owner_id_ticket_id", "console run list, all"),
        ):
            with self.subTest(index=index):
                async with connected(self.filled) as connection:
                    made = await connection.fetchval("SELECT pg_get_indexdef($1::regclass)", index)
                    await connection.execute(f"DROP INDEX {index}")
                    try:
                        noticed = await self.complaints(title)
                    finally:
                        await connection.execute(made)
                for complaints in noticed.values():
                    self.assertNotEqual(complaints, [])

    async def test_every_list_of_the_api_is_looked_at(self) -> None:
        chosen = await sample.choose(self.filled)
        looked_at = {route.path.partition("?")[0] for route in reading_routes(chosen, NOBODY)}
        async with Database(self.filled) as database:
            operations = create_app(make_settings(), database).openapi()["paths"].items()
        lists = [
            re.sub(r"{\w+}", r"\\d+", path)
            for path, methods in operations
            for parameter in methods.get("get", {}).get("parameters", ())
            if parameter["name"] == "cursor"
        ]
        self.assertGreater(len(lists), 5)
        for pattern in lists:
            with self.subTest(path=pattern):
                self.assertTrue(any(re.fullmatch(pattern, path) for path in looked_at))

    async def complaints(self, beginning: str) -> dict[str, list[str]]:
        """Say by the title of each route what is wrong with the plans of its statements."""
        chosen = await sample.choose(self.filled)
        found = {}
        async with (
            Database(self.filled) as database,
            connected(self.filled) as connection,
            httpx.AsyncClient(
                transport=httpx.ASGITransport(create_app(make_settings(), database)),
                base_url="http://localhost",
            ) as client,
        ):
            most = await connection.fetchval(
                "SELECT relpages FROM pg_class WHERE relname = 'tickets'"
            )
            for route in reading_routes(chosen, await log_in(client, chosen)):
                if route.title.startswith(beginning) and route.title not in NOT_YET_FLAT:
                    statements = await statements_of(route, client, database)
                    found[route.title] = [
                        complaint
                        for plans in PLANS
                        for complaint in await complaints_of(connection, statements, plans, most)
                    ]
        return found


NOBODY = Headers({}, {}, {}, {})


async def log_in(client: httpx.AsyncClient, chosen: Sample) -> Headers:
    programs, browsers = [], []
    for email in (chosen.employer_email, chosen.employee_email):
        person = {"email": email, "password": PASSWORD}
        token = (await client.post("/api/session", json=person)).json()["token"]
        programs.append({"Authorization": f"Bearer {token}"})
        browsers.append({"Cookie": f"{SESSION}={cookie(token)}"})
    return Headers(*programs, *browsers)


async def statements_of(route: Route, client: httpx.AsyncClient, database: Database) -> list[Sent]:
    sent: list[Sent] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "(SELECT", "WITH")):
            sent.append(Sent(statement, values))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    answer = await client.get(route.path, headers=dict(route.headers))
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    answer.raise_for_status()
    return sent


async def complaints_of(
    connection: Any, statements: list[Sent], plans: str, most: int
) -> list[str]:
    found, touched = [], 0
    await connection.execute(f"SET plan_cache_mode = {plans}")
    for statement, values in statements:
        await connection.execute(f"PREPARE page AS {statement}")
        arguments = f"({', '.join(map(quoted, values))})" if values else ""
        explained = await connection.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE page{arguments}"
        )
        await connection.execute("DEALLOCATE page")
        plan = json.loads(explained)[0]["Plan"]
        touched += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        scanned = {node.get("Relation Name") for node in nodes(plan) if is_scan(node)}
        found += [f"{plans} scans {table}: {statement}" for table in scanned & GROWING]
    return [*found, f"{plans} touches {touched} blocks"] if touched > most else found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def is_scan(node: dict[str, Any]) -> bool:
    """Tell what reads a table, or a smaller one by an index, from its beginning to its end."""
    removed = node.get("Rows Removed by Filter", 0) * node["Actual Loops"]
    in_vain = removed > MOST_IN_VAIN and node.get("Relation Name") in {"receipts", "payment_lines"}
    # What is counted up to a limit may be read in any order, since that stops early.
    read = node["Actual Rows"] * node["Actual Loops"] + removed
    is_whole = node["Node Type"] == "Seq Scan" and read > node["Plan Rows"] / 2
    return in_vain or is_whole


def quoted(value: Any) -> str:
    """Write a value so that PostgreSQL reads it as what the statement takes."""
    if value is None:
        return "NULL"
    if isinstance(value, list):
        value = "{" + ", ".join(json.dumps(str(each)) for each in value) + "}"
    if isinstance(value, bytes):
        value = f"\\x{value.hex()}"
    escaped = str(value).replace("'", "''")
    return f"'{escaped}'"
