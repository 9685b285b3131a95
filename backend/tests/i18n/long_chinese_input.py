"""Whatever is wrong with what is sent, the answer is in Chinese."""

from typing import Any

from tests.i18n.chinese import CHINESE
from tests.i18n.test_chinese import ChineseTestCase
from tests.web.access_harness import AccessTestCase
from tests.web.access_matrix import BODIES, ROWS, Person, Route

WRONG = ("", "乱", "-1", "乱" * 3_000, "\0")
PARAMETERS = (
    *("q", "employee", "category", "merchant", "from", "to", "min", "max", "currency", "sort"),
    *("status", "cursor", "actor", "action", "user", "ticket", "copy", "new", "edit"),
)


class WrongInput(ChineseTestCase, AccessTestCase):
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
