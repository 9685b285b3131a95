"""What nobody types: at every route that there is, and never a 500."""

from typing import Any

from tests.web.access_harness import AccessTestCase
from tests.web.access_matrix import Person
from tests.web.routes import routes_of

PEOPLE = (Person.STRANGER, Person.OWNER, Person.EMPLOYER)
NAMES = (
    *("q", "status", "sort", "cursor", "employee", "category", "from", "to", "min", "max"),
    *("currency", "limit", "owner", "copy", "next", "page", "pageSize", "sortBy", "action"),
    *("until", "since", "actor", "user", "ticket", "month", "months", "period"),
)
VALUES = (
    "%00",
    "%ED%A0%80",  # half of a character
    "%FF%FE",
    "9" * 30,
    "-1",
    "1e400",
    "NaN",
    "0000-00-00",
    "99999-12-31",
    "bm9wZQ",
    "W10",
    "WyItZmlsZWQiLCIxIiwxLGZhbHNlXQ",
    "%F0%9F%92%A9" * 50,
    "x" * 1000,
    "%27%22%3Cscript%3E",
    "%25_%5C",
    "..%2F..%2Fetc%2Fpasswd",
)
BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"content": b"\x00\xff\xfe{", "headers": {"Content-Type": "application/json"}},
    {"content": b'{"amount": 1e999}', "headers": {"Content-Type": "application/json"}},
    {"content": b"[" * 5000, "headers": {"Content-Type": "application/json"}},
    {"content": b"null", "headers": {"Content-Type": "application/json"}},
    {"content": b'"\\ud800"', "headers": {"Content-Type": "application/json"}},
    {"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}},
    {"content": b"--y\r\n\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=y"}},
    {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
    {"content": b"x", "headers": {"Content-Type": "text/\xff"}},
    {"data": {f"field{number}": "x" for number in range(2000)}},
    {"files": [("file", (f"{number}.csv", b"x")) for number in range(20)]},
    {"data": dict.fromkeys(NAMES, "\x00\u202e\ufeff")},
    {"data": dict.fromkeys(("amount", "ids", "id", "seen", "key", "role"), "9" * 400)},
    {
        "data": {
            "email": "\ufdfa@\ufdfa",
            "password": "\ufdfa" * 999,
            "username": "\u0301" * 81,
            "spent_on": "2026-02-30",
            "links": "http://[::1",
            "language": "../x",
            "next": "//evil.example\\@x",
        }
    },
)
HEADERS = (
    {"Authorization": "Bearer \xff\xfe"},
    {"Authorization": "Basic " + "x" * 4000},
    {"Cookie": "expenses=\xff; expenses-device=W10.x; =;;"},
    {"Cookie": "expenses=eyJ0b2tlbiI6IDF9.x.y"},
    {"Accept-Language": "\xff," * 400},
    {"Range": "bytes=9999999-"},
    {"If-None-Match": "\xff"},
    {"X-Forwarded-For": "\xff, ::::"},
    {"Origin": "\xff://["},
    {"Sec-Fetch-Site": "\xff"},
)


class Everywhere(AccessTestCase):
    """A few values of each kind; `long_hostile_input.py` has them all."""

    values: tuple[str, ...] = VALUES[::6]
    values_alone: tuple[str, ...] = ()
    headers: tuple[dict[str, str], ...] = HEADERS[::3]
    bodies: tuple[dict[str, Any], ...] = BODIES[::4]

    async def assert_answered(self, route: tuple[str, str], person: Person, **parts: Any) -> None:
        method, path = route
        headers = self.shown_by(person, path) | parts.pop("headers", {})
        encoded = {name: value.encode("latin-1") for name, value in headers.items()}
        query = parts.pop("query", "")
        path = self.world.fill_in(path, path)
        async with self.undone():
            answer = await self.http.request(method, f"{path}?{query}", headers=encoded, **parts)
            self.http.cookies.clear()
        self.assertLess(answer.status_code, 500, f"{route} {query} {parts}"[:500])

    async def test_in_addresses(self) -> None:
        for route in sorted(routes_of(self.app)):
            if route[0] != "GET":
                continue
            for value in self.values:
                query = "&".join(f"{name}={value}" for name in NAMES)
                await self.assert_answered(route, Person.EMPLOYER, query=query)
            is_for_employers = route[1].startswith(("/admin", "/api"))
            person = Person.EMPLOYER if is_for_employers else Person.OWNER
            for value in self.values_alone:
                # Each name alone, or the first that is refused hides the others.
                for name in NAMES:
                    query = f"{name}={value}&{name}={value}x"
                    await self.assert_answered(route, person, query=query)

    async def test_in_places_of_ids(self) -> None:
        for method, path in sorted(routes_of(self.app)):
            if "{" not in path or "static" in path:
                continue
            for value in ("0", "-1", "9" * 19, "9" * 400, "%00", "%FF", "x", "1.0", "\u0661"):
                odd = path[: path.index("{")] + value + path[path.index("}") + 1 :]
                await self.assert_answered((method, odd), Person.EMPLOYER)

    async def test_in_bodies(self) -> None:
        for route in sorted(routes_of(self.app)):
            if route[0] == "GET":
                continue
            for person in PEOPLE:
                for body in self.bodies:
                    await self.assert_answered(route, person, **body)

    async def test_in_headers(self) -> None:
        for route in sorted(routes_of(self.app)):
            for headers in self.headers:
                await self.assert_answered(route, Person.STRANGER, headers=headers)
