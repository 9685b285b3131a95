"""The benchmarks: the made-up company is what the application would have made, and the report
says what was measured."""

import asyncio
import http.server
import io
import shutil
import threading
import unittest
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import httpx
from alembic import command
from typer.testing import CliRunner

from benchmarks import people, report, words
from benchmarks.__main__ import cli
from benchmarks.capture import capture
from benchmarks.company import PASSWORD, SEED, Company
from benchmarks.fill import connected, fill
from benchmarks.floor import Floor
from benchmarks.load import Load, Request, WrongAnswers, run_paced, run_wrk
from benchmarks.people import Keys
from benchmarks.results import FIRST_LIST, Measured, Results
from benchmarks.routes import DEEP, NEW_TICKET, reading_routes
from benchmarks.supply import pending_tickets
from benchmarks.targets import targets
from expenses.database import migrations
from expenses.errors import CannotStart
from tests.harness import CommittingTestCase, empty_database, new_database, new_role

TOP = Path(__file__).parents[2]
SIZE = 10_000

CHECKS = """
SELECT conrelid::regclass::text, pg_get_expr(conbin, conrelid)
FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace
"""
STRUCTURE = """
SELECT pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid::regclass::text IN ('users', 'tickets', 'events') AND indisvalid
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
    AND details = jsonb_build_object('spent_on', spent_on, 'amount', amount::text,
        'currency', currency, 'category', category, 'description', description, 'links', links)
) OR status <> 'pending' AND NOT EXISTS (
    SELECT FROM events WHERE ticket_id = tickets.id AND action = 'ticket.' || status
    AND actor_id = coalesce(decided_by_id, owner_id)
    AND at = coalesce(decided_at, updated_at) AND at = updated_at
    AND (details ->> 'reason') IS NOT DISTINCT FROM decision_reason
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
        events = await self.value("SELECT count(*) FROM events WHERE ticket_id IS NOT NULL")
        self.assertEqual(events, SIZE + ended)

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
                structures.append([row[0] for row in await connection.fetch(STRUCTURE)])
        self.assertEqual(*structures)
        self.assertGreater(len(structures[0]), 20)

    async def test_the_tables_are_those_of_the_migrations(self) -> None:
        config = migrations._config(self._address)
        config.stdout = io.StringIO()
        await asyncio.to_thread(command.check, config)

    async def test_words_are_found_in_as_many_tickets_as_they_should_be(self) -> None:
        query = "SELECT count(*) FROM tickets WHERE description ILIKE '%' || $1 || '%'"
        self.assertEqual(await self.value(query, words.RARE_WORD), words.FEW_TICKETS)
        self.assertEqual(await self.value(query, words.MISSING_WORD), 0)
        self.assertGreater(await self.value(query, words.COMMON_WORD), SIZE // 50)

    async def test_progress_comes_to_the_end(self) -> None:
        tickets = [step for step in self.steps if step[0] == "Tickets"]
        self.assertEqual(sum(done for _, done, _ in tickets), SIZE)
        self.assertEqual({of for _, _, of in tickets}, {SIZE})

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


class Made(unittest.TestCase):
    def test_two_companies_made_at_one_moment_are_equal(self) -> None:
        now = datetime(2026, 11, 23, tzinfo=UTC)
        made = [
            (company.users, [*company.batches()])
            for company in (Company(300, "hash", now), Company(300, "hash", now))
        ]
        self.assertEqual(*made)
        self.assertEqual(SEED, 20_261_123)


class AtWork(CommittingTestCase):
    """The application and the floor on a filled database, and what they write into it."""

    SIZE = 2_000

    def setUp(self) -> None:
        super().setUp()
        asyncio.run(fill(self._address, self.SIZE, lambda *_: None))
        self.sample = asyncio.run(people.choose(self._address))

    async def keys(self) -> Keys:
        employer = await self.program_key(self.sample.employer_email)
        employee = await self.program_key(self.sample.employee_email)
        return Keys(employer, employee, employer, employee)

    async def program_key(self, email: str) -> dict[str, str]:
        client = await self.client()
        answer = await client.post("/api/session", json={"email": email, "password": PASSWORD})
        self.assertEqual(answer.status_code, 200, answer.text)
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    @asynccontextmanager
    async def floor(self, keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
        deep = next(route for route in reading_routes(self.sample, keys) if route.name == DEEP)
        plan = await capture(
            self._address, keys, deep_path=deep.path, ticket_id=self.sample.decided_id
        )
        floor = Floor(self._address, plan)
        self.deep_path = deep.path
        async with (
            floor.opened(),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(floor), base_url="http://localhost"
            ) as client,
        ):
            yield client

    async def test_made_up_people_log_in_and_go_on_filing(self) -> None:
        key = await self.program_key(self.sample.employee_email)
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
        self.assertEqual(made_up.details.keys(), last.details.keys())

    async def test_the_floor_gives_the_applications_answers(self) -> None:
        keys = await self.keys()
        program = await self.client(**keys.employer_program)
        async with self.floor(keys) as floor:
            number = self.sample.decided_id
            for path, of_application in (
                ("/first", "/api/tickets"),
                ("/deep", self.deep_path),
                (f"/ticket/{number}", f"/api/tickets/{number}"),
            ):
                with self.subTest(path=path):
                    expected = (await program.get(of_application)).json()
                    expected.pop("next", None)
                    answer = await floor.get(path, headers=keys.employer_program)
                    self.assertEqual(answer.json(), expected)

    async def test_the_floor_files_and_approves_with_events_as_the_application_does(self) -> None:
        keys = await self.keys()
        async with self.floor(keys) as floor:
            filed = await floor.post("/create", headers=keys.employee_program, json=NEW_TICKET)
            number = filed.json()["id"]
            self.assertEqual((filed.status_code, number), (201, self.SIZE + 2))
            decided = await floor.post(f"/approve/{number}", headers=keys.employer_program)
        program = await self.client(**keys.employer_program)
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

    async def test_the_floor_knows_nobody_who_is_not_logged_in(self) -> None:
        async with self.floor(await self.keys()) as floor:
            stranger = {"Authorization": "Bearer nobody"}
            async with self.nothing_changes():
                for method, path in (
                    *(("GET", "/first"), ("GET", f"/ticket/{self.sample.decided_id}")),
                    *(("POST", "/create"), ("POST", f"/approve/{self.sample.pending.id}")),
                ):
                    answer = await floor.request(method, path, headers=stranger, json={})
                    self.assertEqual(answer.status_code, 401)

    async def test_tickets_to_approve_are_laid_ready(self) -> None:
        keys = await self.keys()
        owner_id = self.sample.employee_id
        ids = await asyncio.to_thread(pending_tickets, self._address, self.SIZE, owner_id, 3)
        self.assertEqual(ids, range(self.SIZE + 1, self.SIZE + 4))
        program = await self.client(**keys.employer_program)
        for number in ids:
            answer = await program.post(f"/api/tickets/{number}/approve")
            self.assertEqual(answer.json()["status"], "approved")
        actions = [event.action for event in await self.events() if event.ticket_id in ids]
        self.assertEqual(actions, ["ticket.created"] * 3 + ["ticket.approved"] * 3)


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: Any) -> None: ...


class Server(http.server.ThreadingHTTPServer):
    # All of a client's connections come at once.
    request_queue_size = 128


@contextmanager
def answering() -> Iterator[str]:
    with Server(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Loading(unittest.TestCase):
    def test_as_many_requests_are_sent_as_the_rate_says(self) -> None:
        with answering() as address:
            load = run_paced(address, Request("/", least_bytes=5, most_bytes=5), rate=20, seconds=1)
        self.assertEqual(load.requests, 20)
        self.assertTrue(0 < load.p50 <= load.p99 <= load.longest)

    def test_wrong_answers_are_not_measured(self) -> None:
        for request in (Request("/", least_bytes=6), Request("/", status=201)):
            with answering() as address, self.assertRaises(WrongAnswers) as refusal:
                run_paced(address, request, rate=20, seconds=1)
            self.assertIn("20 of 20", refusal.exception.message)

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
    def test_the_load_generator_judges_answers_too(self) -> None:
        with answering() as address:
            right = Request("/", least_bytes=5, most_bytes=5)
            self.assertGreater(run_wrk(address, right, clients=1, seconds=1).requests, 0)
            with self.assertRaises(WrongAnswers) as refusal:
                run_wrk(address, replace(right, least_bytes=6), clients=1, seconds=1)
        self.assertIn("hello", refusal.exception.message)


class Reporting(unittest.TestCase):
    def setUp(self) -> None:
        self.results = Results({"memory": "2 GiB"}, [10_000, 1_000_000], rounds=3, seconds=1)
        self.results.lists = {FIRST_LIST}
        self.results.statements = {(FIRST_LIST, False): 2.0}

    def add(self, size: int, *, is_floor: bool = False, p50: float, rate: float) -> None:
        measured = Measured(FIRST_LIST, size, "1", is_floor)
        self.results.loads[measured].append(
            Load(p50, p50 * 2, rate, 100, server=1 / rate, database=0.001)
        )

    def test_figures_are_medians_beside_their_floor(self) -> None:
        self.add(10_000, p50=0.002, rate=500)
        for p50, rate in ((0.002, 500), (0.003, 400), (0.9, 1)):
            self.add(1_000_000, p50=p50, rate=rate)
        self.add(1_000_000, is_floor=True, p50=0.001, rate=1000)
        [line] = [
            [cell.strip() for cell in line.split("|")[1:-1]]
            for line in report.markdown(self.results).splitlines()
            if line.startswith(f"| {FIRST_LIST}  ") and "| 1,000,000 |" in line
        ]
        self.assertEqual(
            line,
            [
                *(FIRST_LIST, "1,000,000", "1", "3.00", "6.00", "400.0"),
                *("2.50", "1.00", "2.0", "0.40", "3.0", "1.50"),
            ],
        )

    def test_targets_are_met_or_not(self) -> None:
        for size, p50, rate in ((10_000, 0.002, 500), (1_000_000, 0.0026, 490)):
            self.add(size, p50=p50, rate=rate)
            self.add(size, is_floor=True, p50=0.001, rate=1000)
        share, growth = targets(self.results)
        self.assertEqual(
            (share.is_met, share.measured), (False, "0.50 at 10,000; 0.49 at 1,000,000")
        )
        self.assertEqual(
            (growth.is_met, growth.measured),
            (True, f"0 of 1 above; most measured: 1.30 ({FIRST_LIST})"),
        )

    def test_of_a_route_that_answers_wrongly_there_are_no_figures(self) -> None:
        self.add(10_000, p50=0.002, rate=500)
        self.results.fail(FIRST_LIST, 10_000, "status 503")
        answers, growth = targets(self.results)
        self.assertEqual((answers.is_met, answers.measured), (False, "not from 1, see below"))
        self.assertEqual((growth.is_met, growth.measured), (False, "1 of 1 above"))
        said = report.markdown(self.results)
        self.assertIn(f"No figures of {FIRST_LIST} at 10,000 tickets: status 503.", said)
        self.assertNotIn("| 2.00 |", said)

    def test_nothing_is_said_of_what_was_not_measured(self) -> None:
        self.assertEqual(targets(self.results), [])
        self.assertIn("- memory: 2 GiB", report.markdown(self.results))


class CommandLine(unittest.TestCase):
    def said(self, *arguments: str) -> str:
        ended = CliRunner().invoke(cli, arguments)
        self.assertEqual(ended.exit_code, 0, ended.output)
        return ended.stdout

    def test_help_names_the_commands_and_their_options(self) -> None:
        for word in ("fill", "run"):
            self.assertIn(word, self.said("--help"))
        for option in ("--large", "--rounds", "--seconds", "--only", "--sizes", "--data-dir"):
            self.assertIn(option, self.said("run", "--help"))
        self.assertIn("--database-url", self.said("fill", "--help"))
