"""What Prometheus is told, and that it is told of nobody."""

from collections import Counter
from typing import NamedTuple

from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from expenses.database.engine import CONNECTIONS_PER_PROCESS, Database
from expenses.errors import RunChanged
from tests.console.test_bulk import form_of
from tests.harness import PASSWORD, CommittingTestCase, make_settings, usual_settings
from tests.notifications.test_delivery import MailTestCase
from tests.receivers import OK
from tests.web.access_harness import MARKS, AccessTestCase
from tests.web.access_matrix import ROWS, Person

TOKEN = "a token that Prometheus has"
ITS_OWN = {"Authorization": f"Bearer {TOKEN}"}


class Figure(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float


def figures_in(text: str) -> list[Figure]:
    return [
        Figure(sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


class Figures(list[Figure]):
    def of(self, name: str, **labels: str) -> float:
        """The sum of those that have these labels."""
        return sum(
            figure.value
            for figure in self
            if figure.name == name and labels.items() <= figure.labels.items()
        )


class MeasuredTestCase(CommittingTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.app = self.start_app(make_settings(metrics_token=SecretStr(TOKEN)))

    async def figures(self) -> Figures:
        client = await self.client()
        answer = await client.get("/metrics", headers=ITS_OWN)
        self.assertEqual(answer.status_code, 200, answer.text)
        return Figures(figures_in(answer.text))


class Token(MeasuredTestCase):
    async def test_nothing_is_told_without_it(self) -> None:
        employer = await self.new_employer()
        client = await self.client()
        attempts: list[dict[str, str]] = [
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": f"Basic {TOKEN}"},
            {"Authorization": f"Bearer {await self.token_of(employer)}"},
            {"Authorization": "Bearer é"},
        ]
        for headers in attempts:
            with self.subTest(headers):
                raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
                answer = await client.get("/metrics", headers=raw)
                self.assertEqual(answer.status_code, 401)
                self.assertEqual(answer.headers["www-authenticate"], "Bearer")
                self.assertNotIn("expenses_", answer.text)

    async def test_there_are_no_metrics_where_none_is_set(self) -> None:
        client = await self.client(self.start_app(usual_settings()))
        answer = await client.get("/metrics", headers=ITS_OWN)
        self.assertEqual(answer.status_code, 404)

    async def test_a_process_is_asked_by_its_own_address(self) -> None:
        client = await self.client()
        by_address = {"Host": "10.0.0.7:8000"}
        answer = await client.get("/metrics", headers=ITS_OWN | by_address)
        self.assertEqual(answer.status_code, 200)
        self.assertEqual((await client.get("/login", headers=by_address)).status_code, 400)


class Counting(MeasuredTestCase):
    async def test_decisions_count_once_they_are_made(self) -> None:
        ada, dana = await self.new_employee(), await self.new_employer()
        numbers = [await self.new_ticket(ada) for _ in range(4)]
        program = await self.program_of(dana)
        before = await self.figures()
        for path, body in (
            (f"/api/tickets/{numbers[0]}/approve", {}),
            (f"/api/tickets/{numbers[0]}/approve", {}),
            (f"/api/tickets/{numbers[0]}/reopen", {"reason": "Too hasty"}),
            (f"/api/tickets/{numbers[0]}/deny", {"reason": "A private trip"}),
            (f"/api/tickets/{numbers[0]}/deny", {"reason": "A private trip"}),
        ):
            await program.post(path, json=body)
        browser = await self.browser_of(dana)
        form = {"verdict": "approve", "ticket": [str(number) for number in numbers]}
        preview = await browser.post("/admin/ticket/decide", data=form)
        await browser.post("/admin/ticket/decide/all", data=form_of(preview))
        after = await self.figures()
        counted = {
            decision: after.of("expenses_decisions_total", decision=decision)
            - before.of("expenses_decisions_total", decision=decision)
            for decision in ("approved", "denied", "reopened")
        }
        events = [event.action for event in await self.events()]
        self.assertEqual(
            counted,
            {decision: events.count(f"ticket.{decision}") for decision in counted},
        )
        self.assertEqual(counted, {"approved": 4, "denied": 1, "reopened": 1})

    async def test_paid_tickets_count_once_the_payment_is_committed(self) -> None:
        name, dana = "expenses_paid_tickets_total", await self.new_employer()
        for _ in range(2):
            await self.new_due_ticket(await self.new_employee(), by=dana)
        run = await self.new_run(by=dana)
        await self.confirm(run, by=dana)
        before = (await self.figures()).of(name)
        await self.pay(run, by=dana)
        with self.assertRaises(RunChanged):
            await self.pay(run, by=dana)
        self.assertEqual((await self.figures()).of(name) - before, 2)
        self.assertEqual(len(await self.events("ticket.paid")), 2)

    async def test_log_ins_count_by_what_came_of_them(self) -> None:
        ada, bob, dana = (
            await self.new_employee(),
            await self.new_employee(),
            await self.new_employer(),
        )
        await self.suspend(bob, by=dana)
        client = await self.client()
        before = await self.figures()
        for email, password in (
            (ada.email, PASSWORD),
            (ada.email, "wrong"),
            (ada.email, "wrong"),
            (bob.email, PASSWORD),
            ("nobody@contoso.example", PASSWORD),
        ):
            await client.post("/api/session", json={"email": email, "password": password})
        after = await self.figures()
        for result, number in (
            ("logged-in", 1),
            ("wrong-password", 2),
            ("suspended", 1),
            ("not-registered", 1),
        ):
            counted = [
                figures.of("expenses_log_ins_total", result=result) for figures in (before, after)
            ]
            self.assertEqual(counted[1] - counted[0], number, result)

    async def test_pending_tickets_are_those_that_employers_see(self) -> None:
        ada, bob, dana = (
            await self.new_employee(),
            await self.new_employee(),
            await self.new_employer(),
        )
        for owner in (ada, ada, bob):
            await self.new_ticket(owner)
        await self.approve(await self.new_ticket(ada), by=dana)
        self.assertEqual((await self.figures()).of("expenses_pending_tickets"), 3)
        await self.suspend(bob, by=dana)
        self.assertEqual((await self.figures()).of("expenses_pending_tickets"), 2)

    async def test_they_take_one_statement(self) -> None:
        with self.counted_statements() as statements:
            await self.figures()
        self.assertEqual(len(statements), 1)

    async def test_the_connections_are_those_of_the_pool(self) -> None:
        name = "expenses_database_connections"
        async with self.database.transaction() as one, self.database.transaction() as other:
            self.assertIsNot(one, other)
            figures = await self.figures()
        self.assertEqual(figures.of(name, state="used"), 2)
        self.assertEqual((await self.figures()).of(name, state="used"), 0)
        self.assertEqual(figures.of(f"{name}_limit"), CONNECTIONS_PER_PROCESS)

    async def test_the_rest_is_told_while_the_database_is_away(self) -> None:
        self.assertEqual((await self.figures()).of("expenses_database_up"), 1)
        self.database = await self.enterAsyncContext(
            Database("postgresql://nobody@127.0.0.1:1/nothing")
        )
        self.app = self.start_app(make_settings(metrics_token=SecretStr(TOKEN)))
        figures = await self.figures()
        self.assertEqual(figures.of("expenses_database_up"), 0)
        self.assertNotIn("expenses_pending_tickets", {figure.name for figure in figures})
        self.assertIn("expenses_decisions_total", {figure.name for figure in figures})


class Sending(MailTestCase):
    async def test_messages_count_by_what_came_of_them(self) -> None:
        results = ("delivered", "called-off", "postponed", "given-up")

        def counted() -> list[float]:
            labels = [{"channel": "mail", "result": result} for result in results]
            name = "expenses_messages_total"
            return [REGISTRY.get_sample_value(name, one) or 0 for one in labels]

        before = counted()
        await self.approve(self.ticket_id, by=self.dana)
        for answer in ("451 Come again", "550 Nobody here"):
            self.mail_box.recipient_answer = answer
            await self.pass_time()
            await self.send_mails()
        self.mail_box.recipient_answer = OK
        await self.approve(await self.new_ticket(self.ada), by=self.dana)
        await self.send_mails()
        await self.approve(await self.new_ticket(self.ada), by=self.dana)
        await self.suspend(self.ada, by=self.dana)
        await self.send_mails()
        self.assertEqual([now - then for now, then in zip(counted(), before, strict=True)], [1] * 4)


class Requests(AccessTestCase, MeasuredTestCase):
    async def test_each_counts_for_its_route(self) -> None:
        asked, counted = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        before = await self.counts()
        for (method, path), words in ROWS.items():
            if words[Person.STRANGER] == "NOT_FOUND" and method != "GET":
                continue
            await self.ask((method, path), Person.EMPLOYER)
            asked[method, OPEN.get(path, path)] += 1
        for labels, number in (await self.counts()).items():
            if labels != SCRAPE:
                counted[labels[:2]] += int(number - before.get(labels, 0))
        self.assertEqual(+counted, asked)

    async def counts(self) -> dict[tuple[str, str, str], float]:
        return {
            (figure.labels["method"], figure.labels["route"], figure.labels["status"]): figure.value
            for figure in await self.figures()
            if figure.name == "expenses_http_request_duration_seconds_count"
        }

    async def test_nobody_and_nothing_that_was_looked_for_is_told(self) -> None:
        client = await self.client()
        owner = self.world.people[Person.OWNER]
        cookies = self.shown_by(Person.EMPLOYER, "/")
        for path in (
            f"/admin/ticket/list?q={MARKS[Person.OWNER]}",
            f"/admin/employee/list?search={owner.email}",
            f"/{MARKS[Person.OWNER]}/{owner.email}",
            f"/admin/{MARKS[Person.OWNER]}/list",
            f"/static/{MARKS[Person.OWNER]}",
        ):
            await client.get(path, headers=cookies)
        answer = await client.get("/metrics", headers=ITS_OWN)
        for word in (MARKS[Person.OWNER], owner.email, "contoso.example", owner.username):
            self.assertNotIn(word, answer.text)

    async def test_what_anybody_may_send_makes_no_new_figures(self) -> None:
        client = await self.client()
        await client.request("BREW", "/one")
        before = await self.counts()
        for number in range(5):
            await client.request(f"BREW{number}", f"/nowhere/{number}")
            await client.get("/login", headers={"Host": f"{number}.example"})
        after = await self.counts()
        self.assertLessEqual(
            after.keys() - before.keys(), {("GET", "none", "400"), SCRAPE}, after.keys()
        )
        self.assertEqual(after["other", "none", "404"] - before["other", "none", "404"], 5)


SCRAPE = ("GET", "/metrics", "200")
# Where SQLAdmin's routes leave a view open, and what serves files.
OPEN = {
    "/admin/ticket/list": "/admin/{identity}/list",
    "/admin/employee/list": "/admin/{identity}/list",
    "/admin/ticket/details/{pk:path}": "/admin/{identity}/details/{pk:path}",
    "/admin/employee/details/{pk:path}": "/admin/{identity}/details/{pk:path}",
    "/static/{path:path}": "/static",
    # FastAPI serves it by itself.
    "/api/openapi.json": "none",
}
