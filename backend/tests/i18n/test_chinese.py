"""Every page and every refusal in Chinese: no English is left but names and data."""

from typing import Any

import httpx

from expenses.payments.files import FileKind
from expenses.payments.models import RunStatus
from expenses.tickets.models import Category, TicketStatus
from expenses.tickets.schemas import TicketFields
from expenses.users.models import Role, Scope
from tests.harness import AppTestCase
from tests.i18n.chinese import CHINESE, english_in, texts_of
from tests.web.access_harness import AccessTestCase
from tests.web.access_matrix import BODIES, ROWS, Person, Route

# Columns of the table, each of whom gets other refusals.
PEOPLE = (Person.STRANGER, Person.OWNER, Person.EMPLOYER, Person.SUSPENDED)
# What the people and tickets of the access tests are called.
THEIRS = {
    *("Person", "New", "Paper", "Train", "Lunch", "Lunches"),
    *("with", "a", "customer", "quokka", "numbat", "dugong"),
}
# The API's, which are the same in every language.
CODES = {
    *Category,
    *FileKind,
    *Role,
    *TicketFields.model_fields,
    *TicketStatus,
    *RunStatus,
    *Scope,
    *("tickets", "write"),
    "active",
    "suspended",
    "filed",
    "date",
    "or",
}
FILE = ("POST", "/tickets/import")
WRONG = ("", "乱", "-1", "乱" * 3_000, "\0")
PARAMETERS = (
    *("q", "employee", "category", "merchant", "from", "to", "min", "max", "currency", "sort"),
    *("status", "cursor", "actor", "action", "user", "ticket", "copy", "new", "edit"),
)


class ChineseTestCase(AppTestCase):
    def assert_chinese(self, answer: httpx.Response) -> None:
        for_program = answer.headers.get("content-type") == "application/problem+json"
        known = THEIRS | CODES if for_program else THEIRS
        left = [text for word, text in english_in(*texts_of(answer)) if word not in known]
        self.assertEqual(left, [], f"{answer.request.method} {answer.request.url}")


class EverybodyAsks(ChineseTestCase, AccessTestCase):
    async def test_for_everything(self) -> None:
        for route in ROWS.keys() - {FILE}:
            for person in PEOPLE:
                async with self.undone():
                    answer = await self.ask(route, person, headers=CHINESE)
                    self.assert_chinese(answer)

    async def test_with_what_no_form_would_send(self) -> None:
        for route in BODIES:
            person = self._who_may(route)
            for kind, fields in BODIES[route](self.world, person).items():
                if kind in {"data", "json"}:
                    for wrong in WRONG:
                        await self._ask(route, person, **{kind: dict.fromkeys(fields, wrong)})
                if kind == "json":
                    others: tuple[Any, ...] = (None, [], {}, 1.5, True)
                    for other in others:
                        await self._ask(route, person, json=dict.fromkeys(fields, other))
                    await self._ask(route, person, json=[])
                    await self._ask(route, person, content="乱")

    async def test_with_what_no_link_would_ask(self) -> None:
        for route in (route for route in ROWS if route[0] == "GET"):
            for wrong in WRONG:
                asked = dict.fromkeys(PARAMETERS, wrong[:260])
                await self._ask(route, self._who_may(route), params=asked)

    def _who_may(self, route: Route) -> Person:
        done = ("SEEN", "KEPT", "DONE", "STEP")
        answers = ROWS[route].items()
        return next((who for who, word in answers if word.startswith(done)), Person.OWNER)

    async def _ask(self, route: Route, person: Person, **sent: Any) -> None:
        method, path = route
        async with self.undone():
            answer = await self.http.request(
                method,
                self.world.fill_in(path, path),
                headers=self.shown_by(person, path) | CHINESE,
                **sent,
            )
            self.http.cookies.clear()
            self.assert_chinese(answer)
