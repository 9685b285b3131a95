"""The benchmarks: the made-up company is what the application would have made, and the report
says what was measured."""

import asyncio
import io
import shutil
import unittest
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import httpx
from alembic import command
from typer.testing import CliRunner

from benchmarks import recording, report, sample
from benchmarks.__main__ import cli
from benchmarks.company import COMMON_WORD, MISSING_WORD, PASSWORD, RARE_WORD, RARE_WORD_TICKETS
from benchmarks.comparison import FIRST, TEXTBOOK, title_of
from benchmarks.crowd import CONNECTING, count
from benchmarks.databases import add_pending_tickets
from benchmarks.fill import TABLES, connected, fill
from benchmarks.floor import Floor
from benchmarks.load import Load, Request, WrongAnswer, run_wrk
from benchmarks.others import models
from benchmarks.photo import receipt_photo
from benchmarks.results import Key, Results
from benchmarks.routes import FIRST_LIST, NEW_TICKET, deep_path, reading_routes, rows_in
from benchmarks.sample import Headers
from benchmarks.targets import targets
from expenses.database import migrations
from expenses.database.tables import table_of
from expenses.errors import CannotStart
from expenses.tickets.models import Ticket
from expenses.web.security.cookies import SESSION
from tests.harness import CommittingTestCase, cookie, empty_database, new_database, new_role

TOP = Path(__file__).parents[2]
SIZE = 10_000

CHECKS = """
SELECT conrelid::regclass::text, pg_get_expr(conbin, conrelid)
FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace
"""
STRUCTURE = """
SELECT pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid::regclass::text = ANY($1) AND indisvalid
UNION ALL
SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE convalidated
ORDER BY 1
"""
# What a ticket's last state says must be what its history says.
UNEXPLAINED = """
SELECT count(*) FROM tickets WHERE NOT EXISTS (
    SELECT FROM events WHERE ticket_id = tickets.id AND action = 'ticket.created'
    AND actor_id = owner_id AND at = created_at
    AND details = jsonb_strip_nulls(jsonb_build_object('spent_on', spent_on,
        'amount', amount::text, 'currency', currency, 'category', category,
        'description', description, 'merchant', merchant, 'links', links))
) OR status <> 'pending' AND NOT EXISTS (
    SELECT FROM events WHERE ticket_id = tickets.id AND action = 'ticket.' || status
    AND actor_id = coalesce(decided_by_id, owner_id)
    AND at = coalesce(decided_at, updated_at)
    AND (details ->> 'reason') IS NOT DISTINCT FROM decision_reason
) OR paid_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM events JOIN payment_lines USING (ticket_id)
    WHERE ticket_id = tickets.id AND action = 'ticket.paid' AND actor_id = paid_by_id
    AND at = tickets.paid_at AND at = payment_lines.paid_at AND at = updated_at
)
"""


class FilledTestCase(CommittingTestCase):
    """A company that all tests of a class share."""

    filled: ClassVar[str]
    untouched: ClassVar[str]
    steps: ClassVar[list[tuple[str, int, int]]]

    @classmethod
    def setUpClass(cls) -> None:
        cls.filled, cls.untouched, cls.steps = new_database(), new_database(), []
        asyncio.run(fill(cls.filled, SIZE, lambda *step: cls.steps.append(step)))

    def setUp(self) -> None:
        self._address = self.filled

    async def value(self, query: str, *values: Any) -> Any:
        async with connected(self._address) as connection:
            return await connection.fetchval(query, *values)


class Filling(FilledTestCase):
    async def test_there_are_as_many_tickets_as_asked_for(self) -> None:
        self.assertEqual(await self.value("SELECT count(*) FROM tickets"), SIZE)

    async def test_there_is_an_employee_for_each_two_hundred_tickets(self) -> None:
        employees = "SELECT count(*) FROM users WHERE role = 'employee'"
        self.assertEqual(await self.value(employees), SIZE // 200)
        self.assertEqual(await self.value(f"{employees} AND suspended_at IS NOT NULL"), 1)

    async def test_about_three_percent_are_pending(self) -> None:
        pending = await self.value("SELECT count(*) FROM tickets WHERE status = 'pending'")
        self.assertTrue(0.02 * SIZE < pending < 0.04 * SIZE, pending)

    async def test_every_check_holds(self) -> None:
        async with connected(self._address) as connection:
            checks = await connection.fetch(CHECKS)
            self.assertGreater(len(checks), 10)
            for table, expression in checks:
                with self.subTest(expression=expression):
                    query = f"SELECT count(*) FROM {table} WHERE NOT ({expression})"
                    self.assertEqual(await connection.fetchval(query), 0)

    async def test_the_history_tells_of_every_ticket_as_it_is(self) -> None:
        self.assertEqual(await self.value(UNEXPLAINED), 0)
        ended = await self.value("SELECT count(*) FROM tickets WHERE status <> 'pending'")
        paid = await self.value("SELECT count(*) FROM tickets WHERE paid_at IS NOT NULL")
        receipts = await self.value("SELECT count(*) FROM receipts")
        events = await self.value("SELECT count(*) FROM events WHERE ticket_id IS NOT NULL")
        self.assertEqual(events, SIZE + ended + paid + receipts)

    async def test_the_history_is_in_order_and_not_of_the_future(self) -> None:
        query = "SELECT array_agg(at ORDER BY id) FROM events"
        times = await self.value(query)
        self.assertEqual(times, sorted(times))
        self.assertLess(times[-1], datetime.now(UTC))

    async def test_the_history_tells_who_was_suspended(self) -> None:
        query = (
            "SELECT count(*) FROM users JOIN events ON user_id = users.id AND at = suspended_at"
            " WHERE action = 'user.suspended'"
        )
        self.assertEqual(await self.value(query), 1)

    async def test_a_run_pays_what_was_approved_in_its_currency_before_it_was_made(self) -> None:
        lines = (
            "SELECT count(*) FROM payment_lines JOIN tickets ON tickets.id = ticket_id"
            " JOIN payment_runs ON payment_runs.id = run_id"
        )
        wrong = (
            " WHERE tickets.owner_id <> payment_lines.owner_id OR tickets.amount <> "
            "payment_lines.amount OR tickets.currency <> payment_runs.currency OR decided_at > "
            "payment_runs.created_at OR tickets.paid_at IS DISTINCT FROM payment_lines.paid_at OR "
            "(payment_runs.status = 'paid') <> (payment_lines.paid_at IS NOT NULL)"
        )
        self.assertGreater(await self.value(lines), SIZE / 2)
        self.assertEqual(await self.value(lines + wrong), 0)

    async def test_one_ticket_in_ten_has_a_receipt_and_some_share_one(self) -> None:
        query = "SELECT count(*), count(DISTINCT sha256) FROM receipts"
        async with connected(self._address) as connection:
            receipts, files = await connection.fetchrow(query)
        self.assertEqual((receipts, files), (SIZE // 10, SIZE // 10 - SIZE // 500))

    async def test_nobody_files_before_joining_or_after_being_suspended(self) -> None:
        query = (
            "SELECT count(*) FROM tickets JOIN users ON users.id = owner_id WHERE role <> "
            "'employee' OR tickets.created_at NOT BETWEEN users.created_at AND "
            "coalesce(suspended_at, 'infinity')"
        )
        self.assertEqual(await self.value(query), 0)

    async def test_all_indexes_and_constraints_are_there_again(self) -> None:
        structures = []
        for address in (self._address, self.untouched):
            async with connected(address) as connection:
                structures.append([row[0] for row in await connection.fetch(STRUCTURE, TABLES)])
        self.assertEqual(*structures)
        self.assertGreater(len(structures[0]), 20)

    async def test_the_tables_are_those_of_the_migrations(self) -> None:
        config = migrations.alembic_config(self._address)
        config.stdout = io.StringIO()
        await asyncio.to_thread(command.check, config)

    async def test_words_are_found_in_as_many_tickets_as_they_should_be(self) -> None:
        query = "SELECT count(*) FROM tickets WHERE description ILIKE '%' || $1 || '%'"
        self.assertEqual(await self.value(query, RARE_WORD), RARE_WORD_TICKETS)
        self.assertEqual(await self.value(query, MISSING_WORD), 0)
        self.assertGreater(await self.value(query, COMMON_WORD), SIZE // 50)

    async def test_every_route_shows_the_rows_it_is_measured_with(self) -> None:
        chosen = await sample.choose(self._address)
        client = await self.client()
        api, browser = [], []
        for email in (chosen.employer_email, chosen.employee_email):
            log_in = {"email": email, "password": PASSWORD}
            token = (await client.post("/api/session", json=log_in)).json()["token"]
            api.append({"Authorization": f"Bearer {token}"})
            browser.append({"Cookie": f"{SESSION}={cookie(token)}"})
        for route in reading_routes(chosen, Headers(*api, *browser)):
            with self.subTest(route=route.title):
                answer = await client.get(route.path, headers=dict(route.headers))
                self.assertEqual(answer.status_code, 200)
                self.assertEqual(rows_in(route, answer.text), route.rows)

    async def test_progress_comes_to_the_end(self) -> None:
        last = {step: (done, total) for step, done, total in self.steps}
        self.assertEqual(last["Tickets"], (SIZE, SIZE))
        self.assertTrue(all(done == total for done, total in last.values()), last)

    async def test_a_database_that_is_not_empty_is_refused(self) -> None:
        async with self.nothing_changes():
            with self.assertRaises(CannotStart) as refusal:
                await fill(self._address, 10, lambda *_: None)
        self.assertIn("not empty", refusal.exception.message)


class FillingAsOwner(unittest.IsolatedAsyncioTestCase):
    async def test_an_owner_who_is_no_superuser_can_fill(self) -> None:
        address = await asyncio.to_thread(lambda: empty_database(owner=new_role()))
        await asyncio.to_thread(migrations.upgrade, address)
        await fill(address, 200, lambda *_: None)
        async with connected(address) as connection:
            self.assertEqual(await connection.fetchval("SELECT count(*) FROM tickets"), 200)
            query = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
            self.assertFalse(await connection.fetchval(query))


class Seed(unittest.IsolatedAsyncioTestCase):
    async def test_two_companies_of_one_day_are_equal(self) -> None:
        query = (
            "SELECT md5(string_agg(concat_ws(' ', id, owner_id, spent_on, amount, currency,"
            " description, links, created_at), ' ' ORDER BY id)) FROM tickets"
        )
        found = []
        for _ in range(2):
            address = await asyncio.to_thread(new_database)
            await fill(address, 300, lambda *_: None)
            async with connected(address) as connection:
                found.append(await connection.fetchval(query))
        self.assertEqual(*found)


class AtWork(CommittingTestCase):
    """The application and the floor on a filled database, and what they write into it."""

    SIZE = 2_000

    def setUp(self) -> None:
        super().setUp()
        asyncio.run(fill(self._address, self.SIZE, lambda *_: None))
        self.sample = asyncio.run(sample.choose(self._address))

    async def headers(self) -> Headers:
        employer = await self.api_headers(self.sample.employer_email)
        employee = await self.api_headers(self.sample.employee_email)
        return Headers(employer, employee, employer, employee)

    async def api_headers(self, email: str) -> dict[str, str]:
        client = await self.client()
        answer = await client.post("/api/session", json={"email": email, "password": PASSWORD})
        self.assertEqual(answer.status_code, 200, answer.text)
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    @asynccontextmanager
    async def floor(self, headers: Headers) -> AsyncIterator[httpx.AsyncClient]:
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        recorded = await recording.record(self._address, headers, self.sample, self.folder)
        floor = Floor(self._address, self.folder / "receipts", recorded)
        async with (
            floor.opened(),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(floor), base_url="http://localhost"
            ) as client,
        ):
            yield client

    async def test_made_up_people_log_in_and_go_on_filing(self) -> None:
        key = await self.api_headers(self.sample.employee_email)
        program = await self.client(**key)
        listed = (await program.get("/api/tickets")).json()["items"]
        self.assertEqual(len(listed), 20)
        self.assertEqual({item["owner"]["email"] for item in listed}, {self.sample.employee_email})
        filed = await program.post("/api/tickets", json=NEW_TICKET)
        self.assertEqual((filed.status_code, filed.json()["id"]), (201, self.SIZE + 1))
        made_up = next(
            event for event in await self.events("ticket.created") if event.ticket_id == 1
        )
        last = await self.last_event()
        self.assertEqual((last.action, last.ticket_id), ("ticket.created", self.SIZE + 1))
        self.assertEqual(made_up.details.keys() - {"merchant"}, last.details.keys())

    async def test_the_floor_gives_the_applications_answers(self) -> None:
        headers = await self.headers()
        program = await self.client(**headers.employer_api)
        async with self.floor(headers) as floor:
            number = self.sample.approved_id
            for path, of_application in (
                ("/first", "/api/tickets"),
                ("/deep", deep_path(self.sample)),
                (f"/ticket/{number}", f"/api/tickets/{number}"),
            ):
                with self.subTest(path=path):
                    expected = (await program.get(of_application)).json()
                    expected.pop("next", None)
                    answer = await floor.get(path, headers=headers.employer_api)
                    self.assertEqual(answer.json(), expected)

    async def test_the_floor_files_and_approves_with_events_as_the_application_does(self) -> None:
        headers = await self.headers()
        async with self.floor(headers) as floor:
            filed = await floor.post("/create", headers=headers.employee_api, json=NEW_TICKET)
            number = filed.json()["id"]
            self.assertEqual((filed.status_code, number), (201, self.SIZE + 3))
            decided = await floor.post(f"/approve/{number}", headers=headers.employer_api)
        program = await self.client(**headers.employer_api)
        ticket = (await program.get(f"/api/tickets/{number}")).json()
        self.assertEqual(decided.json(), ticket)
        self.assertEqual(ticket["status"], "approved")
        # The application's own, from which the floor has learnt, is the one before.
        events = [
            [
                (event.action, event.actor_id, event.details)
                for event in await self.events()
                if event.ticket_id == ticket_id
            ]
            for ticket_id in (number - 1, number)
        ]
        self.assertEqual(*events)
        self.assertEqual(
            [action for action, *_ in events[1]], ["ticket.created", "ticket.approved"]
        )

    async def test_the_floor_stores_and_sends_receipts(self) -> None:
        headers = await self.headers()
        async with self.floor(headers) as floor:
            sent = await floor.get("/receipt", headers=headers.employer_api)
            self.assertEqual(sent.content, receipt_photo(0))
            for number, path in enumerate(("/write", "/read"), start=1):
                answer = await floor.post(path, content=receipt_photo(number))
                self.assertEqual(answer.status_code, 201)
        stored = {path.read_bytes() for path in self.folder.glob("receipts/*/*/original")}
        self.assertEqual(stored, {receipt_photo(number) for number in range(3)})

    async def test_the_floor_knows_nobody_who_is_not_logged_in(self) -> None:
        async with self.floor(await self.headers()) as floor:
            stranger = {"Authorization": "Bearer nobody"}
            async with self.nothing_changes():
                for method, path in (
                    *(("GET", "/first"), ("GET", f"/ticket/{self.sample.approved_id}")),
                    *(("POST", "/create"), ("POST", f"/approve/{self.sample.pending.id}")),
                ):
                    answer = await floor.request(method, path, headers=stranger, json={})
                    self.assertEqual(answer.status_code, 401)

    async def test_tickets_to_approve_are_added_with_their_events(self) -> None:
        headers = await self.headers()
        ids = await add_pending_tickets(self._address, self.sample.employee_id, 3)
        self.assertEqual(ids, range(self.SIZE + 1, self.SIZE + 4))
        program = await self.client(**headers.employer_api)
        for number in ids:
            answer = await program.post(f"/api/tickets/{number}/approve")
            self.assertEqual(answer.json()["status"], "approved")
        actions = [event.action for event in await self.events() if event.ticket_id in ids]
        self.assertEqual(actions, ["ticket.created"] * 3 + ["ticket.approved"] * 3)


class Loading(unittest.IsolatedAsyncioTestCase):
    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
    async def test_wrk_counts_answers_and_checks_them(self) -> None:
        async with await asyncio.start_server(answer_hello, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            address, right = f"http://127.0.0.1:{port}", Request("/", {}, fewest_bytes=5)
            load = await asyncio.to_thread(run_wrk, address, right, clients=2, seconds=1)
            self.assertGreater(load.requests, 0)
            self.assertTrue(0 < load.p50 <= load.p99)
            for wrong in (replace(right, fewest_bytes=6), replace(right, status=201)):
                with self.assertRaises(WrongAnswer) as refusal:
                    await asyncio.to_thread(run_wrk, address, wrong, clients=2, seconds=1)
                self.assertIn("hello", refusal.exception.message)


async def answer_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            await writer.drain()
    writer.close()


class Reporting(unittest.TestCase):
    def setUp(self) -> None:
        self.results = Results({"memory": "2 GiB"}, [10_000, 1_000_000])

    def add(self, size: int, *, is_floor: bool = False, p50: float, rate: float) -> None:
        self.results.rounds[Key(FIRST_LIST, size, 1, is_floor)].append(
            Load(p50, p50 * 2, rate, 100, cpu=1 / rate, database_cpu=0.001)
        )

    def test_figures_are_medians_next_to_their_floor(self) -> None:
        self.add(10_000, p50=0.002, rate=500)
        for p50, rate in ((0.002, 500), (0.003, 400), (0.9, 1)):
            self.add(1_000_000, p50=p50, rate=rate)
        self.add(1_000_000, is_floor=True, p50=0.001, rate=1000)
        [line] = [
            [cell.strip() for cell in line.split("|")[1:-1]]
            for line in report.markdown(self.results).splitlines()
            if line.startswith(f"| {FIRST_LIST}  ")
        ]
        self.assertEqual(
            line,
            [
                *(FIRST_LIST, "1", "2.00", "3.00", "6.00", "400.0"),
                *("2.50", "1.00", "0.40", "3.0", "1.50"),
            ],
        )

    def test_targets_are_met_or_not(self) -> None:
        for size, p50, rate in ((10_000, 0.002, 550), (1_000_000, 0.0026, 540)):
            self.add(size, p50=p50, rate=rate)
            self.add(size, is_floor=True, p50=0.001, rate=1000)
        small, large, growth = targets(self.results)
        self.assertEqual((small.measured, small.is_met), ("0.55", True))
        self.assertEqual((large.measured, large.is_met), ("0.54", False))
        self.assertEqual(
            (growth.measured, growth.is_met), (f"1.30 ({FIRST_LIST}); 0 of 1 above", True)
        )

    def test_a_crowd_is_held_to_no_error_and_to_its_slowest_pages(self) -> None:
        pages = [
            {"name": CONNECTING, "num_requests": 9, "num_failures": 0, "response_times": {"1": 9}},
            {
                "name": "My tickets",
                "num_requests": 99,
                "num_failures": 1,
                "response_times": {"10": 90, "40": 9},
            },
            {"name": "queue", "num_requests": 1, "num_failures": 0, "response_times": {"300": 1}},
        ]
        self.results.crowd = count(pages, users=200)
        errors, opened, slowest = targets(self.results)
        self.assertEqual((errors.measured, errors.is_met), ("1 of 100", False))
        self.assertEqual((opened.measured, opened.is_met), ("0.38 (1.7/s of 4.4/s)", False))
        self.assertEqual((slowest.measured, slowest.is_met), ("30.0 (300 of 10 ms)", False))
        pages[-1]["response_times"] = {"200": 1}
        self.results.crowd = count(pages, users=200)
        self.assertTrue(targets(self.results)[-1].is_met)

    def test_others_stand_beside_what_does_the_same(self) -> None:
        self.add(1_000_000, p50=0.002, rate=500)
        textbook = Key(title_of(TEXTBOOK, FIRST), 1_000_000, 1)
        self.results.rounds[textbook].append(Load(0.3, 0.4, 3, 10))
        lines = report.markdown(self.results).splitlines()
        [line] = [line for line in lines if "(150.0" in line]
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        self.assertEqual(cells, [FIRST, "", "", "", "2.0 ms", "300.0 ms (150.0×)"])  # noqa: RUF001

    def test_what_was_not_measured_has_no_target(self) -> None:
        self.assertEqual(targets(self.results), [])
        self.assertIn("- memory: 2 GiB", report.markdown(self.results))


class Others(unittest.TestCase):
    def test_the_textbooks_columns_are_columns_of_the_tables(self) -> None:
        tables = table_of(Ticket).metadata.tables
        for name, table in models.Base.metadata.tables.items():
            with self.subTest(table=name):
                self.assertLessEqual({*table.columns.keys()}, {*tables[name].columns.keys()})


class CommandLine(unittest.TestCase):
    def output(self, *arguments: str) -> str:
        ended = CliRunner().invoke(cli, arguments)
        self.assertEqual(ended.exit_code, 0, ended.output)
        return ended.stdout

    def test_help_names_the_commands_and_their_options(self) -> None:
        for word in ("fill", "run"):
            self.assertIn(word, self.output("--help"))
        for option in ("--size", "--rounds", "--seconds", "--only", "--quick", "--data-dir"):
            self.assertIn(option, self.output("run", "--help"))
