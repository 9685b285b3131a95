"""Who gets what at every route: one row for each, and what a valid request sends there.

| word | the answer | the database |
| --- | --- | --- |
| `SEEN` | 200 | as it was |
| `SEEN:/path` | 303 to the path | as it was |
| `DONE`, `DONE:/path` | 2xx, or 303 to the path | changed, and an event tells of it |
| `STEP`, `STEP:/path` | 2xx, or 303 to the path | changed, and several events tell of it |
| `KEPT`, `KEPT:/path` | 2xx, or 303 to the path | changed; not a thing that the history tells of |
| `STEP:/path/*` | 303 to what is new there | changed, and several events tell of it |
| `LOGIN` | 401, for pages 303 to the log-in page and from there back | as it was |
| `FORBIDDEN` | 403 | as it was |
| `NOT_FOUND` | 404 | as it was |
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from PIL import Image

from expenses.notifications.links import switch_off_link
from expenses.users.queries import UserView
from expenses.web.pages.assets import asset_address
from tests.harness import PASSWORD, ticket_json, usual_settings
from tests.receipts.documents import encoded

Route = tuple[str, str]


class Person(StrEnum):
    """The columns. The tickets in the addresses are the owner's, an employee like the colleague.

    The suspended one shows a token, or a cookie, from before.
    """

    STRANGER = "stranger"
    OWNER = "owner"
    COLLEAGUE = "colleague"
    EMPLOYER = "employer"
    SUSPENDED = "suspended"


# A row for a route that is not there, and a route that has no row, are failures.
TABLE = """
                                                    stranger   owner      colleague  employer   suspended
GET    /health                                      SEEN       SEEN       SEEN       SEEN       SEEN
GET    /ready                                       SEEN       SEEN       SEEN       SEEN       SEEN
GET    /metrics                                     NOT_FOUND  NOT_FOUND  NOT_FOUND  NOT_FOUND  NOT_FOUND
GET    /static/{path:path}                          SEEN       SEEN       SEEN       SEEN       SEEN

GET    /api/openapi.json                            SEEN       SEEN       SEEN       SEEN       SEEN
GET    /api/docs                                    SEEN       SEEN       SEEN       SEEN       SEEN
POST   /api/users                                   DONE       DONE       DONE       DONE       DONE
POST   /api/session                                 NOT_FOUND  FORBIDDEN  DONE       DONE       FORBIDDEN
DELETE /api/session                                 LOGIN      KEPT       KEPT       KEPT       LOGIN
GET    /api/me                                      LOGIN      SEEN       SEEN       SEEN       LOGIN
PATCH  /api/me                                      LOGIN      DONE       DONE       DONE       LOGIN
PUT    /api/me/mails                                LOGIN      DONE       DONE       DONE       LOGIN
GET    /api/me/data                                 LOGIN      SEEN       SEEN       SEEN       LOGIN
GET    /api/me/payout                               LOGIN      SEEN       SEEN       FORBIDDEN  LOGIN
PUT    /api/me/payout                               LOGIN      DONE       DONE       FORBIDDEN  LOGIN
DELETE /api/me/payout                               LOGIN      DONE       DONE       FORBIDDEN  LOGIN
POST   /api/me/password                             LOGIN      DONE       DONE       DONE       LOGIN
POST   /api/me/email                                LOGIN      DONE       DONE       DONE       LOGIN
GET    /api/me/tokens                               LOGIN      SEEN       SEEN       SEEN       LOGIN
POST   /api/me/tokens                               LOGIN      DONE       DONE       DONE       LOGIN
DELETE /api/me/tokens/{token_id}                    LOGIN      DONE       NOT_FOUND  NOT_FOUND  LOGIN
GET    /api/sessions                                LOGIN      SEEN       SEEN       SEEN       LOGIN
DELETE /api/sessions/{session_id}                   LOGIN      DONE       NOT_FOUND  NOT_FOUND  LOGIN
GET    /api/tickets                                 LOGIN      SEEN       SEEN       SEEN       LOGIN
POST   /api/tickets                                 LOGIN      DONE       DONE       FORBIDDEN  LOGIN
GET    /api/tickets/{ticket_id:int}                 LOGIN      SEEN       NOT_FOUND  SEEN       LOGIN
PATCH  /api/tickets/{ticket_id:int}                 LOGIN      DONE       NOT_FOUND  FORBIDDEN  LOGIN
POST   /api/tickets/{ticket_id:int}/withdraw        LOGIN      DONE       NOT_FOUND  FORBIDDEN  LOGIN
POST   /api/tickets/{ticket_id:int}/approve         LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
POST   /api/tickets/{ticket_id:int}/deny            LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
POST   /api/tickets/{ticket_id:int}/reopen          LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
GET    /api/tickets/{ticket_id:int}/history         LOGIN      SEEN       NOT_FOUND  SEEN       LOGIN
GET    /api/tickets/{ticket_id:int}/receipts        LOGIN      SEEN       NOT_FOUND  SEEN       LOGIN
POST   /api/tickets/{ticket_id:int}/receipts        LOGIN      DONE       NOT_FOUND  FORBIDDEN  LOGIN
GET    /api/tickets/{ticket_id:int}/receipts/{receipt_id:int}  LOGIN  SEEN  NOT_FOUND  SEEN  LOGIN
GET    /api/tickets/{ticket_id:int}/receipts/{receipt_id:int}/preview  LOGIN  SEEN  NOT_FOUND  SEEN  LOGIN
GET    /api/tickets/{ticket_id:int}/receipts/{receipt_id:int}/thumbnail  LOGIN  SEEN  NOT_FOUND  SEEN  LOGIN
DELETE /api/tickets/{ticket_id:int}/receipts/{receipt_id:int}  LOGIN  DONE  NOT_FOUND  FORBIDDEN  LOGIN
GET    /api/payment-runs/due                        LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /api/payment-runs                            LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /api/payment-runs                            LOGIN      FORBIDDEN  FORBIDDEN  STEP       LOGIN
GET    /api/payment-runs/{run_id:int}               LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /api/payment-runs/{run_id:int}/tickets       LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
DELETE /api/payment-runs/{run_id:int}/tickets/{ticket_id:int} LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
POST   /api/payment-runs/{run_id:int}/confirm       LOGIN      FORBIDDEN  FORBIDDEN  STEP       LOGIN
POST   /api/payment-runs/{run_id:int}/pay           LOGIN      FORBIDDEN  FORBIDDEN  STEP       LOGIN
POST   /api/payment-runs/{run_id:int}/cancel        LOGIN      FORBIDDEN  FORBIDDEN  STEP       LOGIN
POST   /api/payment-runs/{run_id:int}/void          LOGIN      FORBIDDEN  FORBIDDEN  STEP       LOGIN
POST   /api/payment-runs/{run_id:int}/file          LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
GET    /api/employees                               LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /api/employees/{employee_id}                 LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /api/employees/{employee_id}/suspensions     LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /api/employees/{employee_id}/events          LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /api/employees/{employee_id}/suspend         LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
POST   /api/employees/{employee_id}/reactivate      LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
GET    /api/invitations                             LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /api/invitations                             LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
POST   /api/invitations/{invitation_id}/resend      LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
DELETE /api/invitations/{invitation_id}             LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
GET    /api/employers                               LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /api/employers/{employer_id}                 LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /api/employers/{employer_id}/deactivate      LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
POST   /api/employers/{employer_id}/activate        LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
PUT    /api/users/{user_id}/role                    LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN

GET    /                                            SEEN  SEEN:/tickets  SEEN:/tickets  SEEN:/admin/  SEEN
GET    /language                                    SEEN       SEEN       SEEN       SEEN       SEEN
POST   /appearance                                  SEEN:/account  SEEN:/account  SEEN:/account  SEEN:/account  SEEN:/account
POST   /language                                    SEEN:/account  KEPT:/account  KEPT:/account  KEPT:/account  SEEN:/account
GET    /login                                       SEEN  SEEN:/tickets  SEEN:/tickets  SEEN:/admin/  SEEN
POST   /login                                       KEPT:/register  KEPT:/login/second-step  DONE:/tickets  DONE:/admin/  FORBIDDEN
POST   /login/passkey                               SEEN:/login  SEEN:/login  SEEN:/login  SEEN:/login  SEEN:/login
POST   /login/passkey/options                       KEPT       KEPT       KEPT       KEPT       KEPT
GET    /login/second-step                           SEEN       SEEN       SEEN       SEEN       SEEN
POST   /login/second-step                           SEEN:/login/second-step  SEEN:/login/second-step  SEEN:/login/second-step  SEEN:/login/second-step  SEEN:/login/second-step
POST   /login/second-step/options                   KEPT       KEPT       KEPT       KEPT       KEPT
POST   /login/first-passkey                         SEEN:/login/second-step  SEEN:/login/second-step  SEEN:/login/second-step  SEEN:/login/second-step  SEEN:/login/second-step
POST   /login/recovery-code                         STEP:/tickets  STEP:/tickets  STEP:/tickets  STEP:/tickets  STEP:/tickets
GET    /login/sso                                   NOT_FOUND  NOT_FOUND  NOT_FOUND  NOT_FOUND  NOT_FOUND
GET    /login/sso/callback                          NOT_FOUND  NOT_FOUND  NOT_FOUND  NOT_FOUND  NOT_FOUND
GET    /register                                    SEEN       SEEN       SEEN       SEEN       SEEN
POST   /register                                    DONE:/tickets  DONE:/tickets  DONE:/tickets  DONE:/tickets  DONE:/tickets
POST   /logout                                      LOGIN  KEPT:/login  KEPT:/login  KEPT:/login  LOGIN
GET    /forgot                                      SEEN       SEEN       SEEN       SEEN       SEEN
POST   /forgot                                      KEPT       KEPT       KEPT       KEPT       KEPT
GET    /reset                                       SEEN       SEEN       SEEN       SEEN       SEEN
POST   /reset                                       DONE:/login  DONE:/login  DONE:/login  DONE:/login  DONE:/login
GET    /invited                                     SEEN       SEEN       SEEN       SEEN       SEEN
POST   /invited                                     DONE:/tickets  DONE:/tickets  DONE:/tickets  DONE:/tickets  DONE:/tickets
GET    /confirm                                     SEEN       SEEN       SEEN       SEEN       SEEN
POST   /confirm                                     DONE:/tickets  DONE:/tickets  DONE:/tickets  DONE:/tickets  DONE:/tickets
GET    /account                                     LOGIN      SEEN       SEEN       SEEN       LOGIN
POST   /account/username                            LOGIN  DONE:/account  DONE:/account  DONE:/account  LOGIN
GET    /account/email                               LOGIN      SEEN       SEEN       SEEN       LOGIN
POST   /account/email                               LOGIN  DONE:/account  DONE:/account  DONE:/account  LOGIN
GET    /account/email/confirm                       LOGIN  SEEN  SEEN:/account/email  SEEN:/account/email  LOGIN
POST   /account/email/confirm                       LOGIN  DONE:/account  SEEN:/account/email  SEEN:/account/email  LOGIN
POST   /account/mails                               LOGIN  DONE:/account  DONE:/account  DONE:/account  LOGIN
POST   /account/password                            LOGIN  DONE:/account  DONE:/account  DONE:/account  LOGIN
GET    /account/data.zip                            LOGIN      SEEN       SEEN       SEEN       LOGIN
GET    /account/payout                              LOGIN      SEEN       SEEN       FORBIDDEN  LOGIN
POST   /account/payout                              LOGIN  DONE:/account  DONE:/account  FORBIDDEN  LOGIN
POST   /account/payout/remove                       LOGIN  DONE:/account  DONE:/account  FORBIDDEN  LOGIN
GET    /account/passkeys                            LOGIN      SEEN       SEEN       SEEN       LOGIN
POST   /account/passkeys                            LOGIN  SEEN:/account/passkeys  SEEN:/account/passkeys  SEEN:/account/passkeys  LOGIN
POST   /account/passkeys/options                    LOGIN      KEPT       KEPT       KEPT       LOGIN
POST   /account/passkeys/recovery-codes             LOGIN      DONE       NOT_FOUND  NOT_FOUND  LOGIN
GET    /account/passkeys/{passkey_id}/remove        LOGIN      SEEN       NOT_FOUND  NOT_FOUND  LOGIN
POST   /account/passkeys/{passkey_id}/remove        LOGIN  DONE:/account/passkeys  NOT_FOUND  NOT_FOUND  LOGIN
GET    /account/tokens                              LOGIN      SEEN       SEEN       SEEN       LOGIN
POST   /account/tokens                              LOGIN      DONE       DONE       DONE       LOGIN
POST   /account/tokens/{token_id}/revoke            LOGIN  DONE:/account  NOT_FOUND  NOT_FOUND  LOGIN
POST   /account/sessions/end-others                 LOGIN  DONE:/account  DONE:/account  DONE:/account  LOGIN
POST   /account/sessions/{session_id}/end           LOGIN  DONE:/account  NOT_FOUND  NOT_FOUND  LOGIN
GET    /mails/off                                   SEEN       SEEN       SEEN       SEEN       SEEN
POST   /mails/off                                   DONE       DONE       DONE       DONE       DONE
GET    /tickets                                     LOGIN      SEEN       SEEN       SEEN:/admin/  LOGIN
POST   /tickets                                     LOGIN  DONE:/tickets  DONE:/tickets  FORBIDDEN  LOGIN
POST   /tickets/seen                                LOGIN  KEPT:/tickets  KEPT:/tickets  KEPT:/tickets  LOGIN
POST   /tickets/duplicates                          LOGIN      SEEN       SEEN       FORBIDDEN  LOGIN
POST   /tickets/draft                               LOGIN      SEEN       SEEN       FORBIDDEN  LOGIN
POST   /tickets/receipts                            LOGIN      KEPT       KEPT       FORBIDDEN  LOGIN
GET    /tickets/receipts/{receipt_id:int}           LOGIN      SEEN       NOT_FOUND  NOT_FOUND  LOGIN
POST   /tickets/{ticket_id:int}/receipts            LOGIN  DONE:/tickets/{ticket_id}#receipts  NOT_FOUND  FORBIDDEN  LOGIN
POST   /tickets/{ticket_id:int}/receipts/{receipt_id:int}/remove  LOGIN  DONE:/tickets/{ticket_id}#receipts  NOT_FOUND  FORBIDDEN  LOGIN
GET    /tickets/export.{kind}                       LOGIN      SEEN       SEEN       SEEN:/admin/ticket/export/csv?status=all  LOGIN
GET    /tickets/payments/{run_id:int}               LOGIN      SEEN       NOT_FOUND  NOT_FOUND  LOGIN
GET    /tickets/import                              LOGIN      SEEN       SEEN       SEEN:/admin/  LOGIN
GET    /tickets/import/template.csv                 SEEN       SEEN       SEEN       SEEN       SEEN
POST   /tickets/import                              LOGIN      SEEN       SEEN       FORBIDDEN  LOGIN
POST   /tickets/import/save                         LOGIN  DONE:/tickets  DONE:/tickets  FORBIDDEN  LOGIN
GET    /tickets/{ticket_id:int}                     LOGIN      SEEN       NOT_FOUND  SEEN:/admin/ticket/details/{ticket_id}  LOGIN
POST   /tickets/{ticket_id:int}                     LOGIN  DONE:/tickets/{ticket_id}  NOT_FOUND  FORBIDDEN  LOGIN
POST   /tickets/{ticket_id:int}/withdraw            LOGIN  DONE:/tickets/{ticket_id}  NOT_FOUND  FORBIDDEN  LOGIN

GET    /admin/                                      LOGIN      FORBIDDEN  FORBIDDEN  SEEN:/admin/ticket/list  LOGIN
GET    /admin/ticket/list                           LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /admin/ticket/details/{pk:path}              LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /admin/ticket/export/{kind}                  LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /admin/ticket/{ticket_id:int}/approve        LOGIN      FORBIDDEN  FORBIDDEN  DONE:/admin/ticket/list  LOGIN
POST   /admin/ticket/{ticket_id:int}/deny           LOGIN      FORBIDDEN  FORBIDDEN  DONE:/admin/ticket/list  LOGIN
POST   /admin/ticket/{ticket_id:int}/reopen         LOGIN      FORBIDDEN  FORBIDDEN  DONE:/admin/ticket/list  LOGIN
POST   /admin/ticket/decide                         LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /admin/ticket/undo                           LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /admin/ticket/filters                        LOGIN      FORBIDDEN  FORBIDDEN  KEPT:/admin/ticket/list  LOGIN
POST   /admin/ticket/filters/remove                 LOGIN      FORBIDDEN  FORBIDDEN  KEPT:/admin/ticket/list  LOGIN
POST   /admin/ticket/decide/all                     LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
GET    /admin/employee/list                         LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /admin/employee/details/{pk:path}            LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /admin/employee/{employee_id:int}/suspend    LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /admin/employee/{employee_id:int}/reset-link LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
POST   /admin/employee/{employee_id:int}/reset-second-factor LOGIN  FORBIDDEN  FORBIDDEN  DONE:/admin/employee/details/{employee_id}  LOGIN
POST   /admin/employee/{employee_id:int}/suspend    LOGIN      FORBIDDEN  FORBIDDEN  DONE:/admin/employee/list  LOGIN
GET    /admin/employee/{employee_id:int}/reactivate LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /admin/employee/{employee_id:int}/reactivate LOGIN      FORBIDDEN  FORBIDDEN  DONE:/admin/employee/list  LOGIN
GET    /admin/employee/{employee_id:int}/erase      LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /admin/employee/{employee_id:int}/erase      LOGIN      FORBIDDEN  FORBIDDEN  DONE:/admin/employee/details/{employee_id}  LOGIN
POST   /admin/employee/{employee_id:int}/undo       LOGIN      FORBIDDEN  FORBIDDEN  DONE:/admin/employee/list  LOGIN
GET    /admin/invitations                           LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /admin/invitations                           LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
POST   /admin/invitations/file                      LOGIN      FORBIDDEN  FORBIDDEN  STEP       LOGIN
POST   /admin/invitations/{invitation_id:int}/resend  LOGIN    FORBIDDEN  FORBIDDEN  DONE       LOGIN
POST   /admin/invitations/{invitation_id:int}/revoke  LOGIN    FORBIDDEN  FORBIDDEN  DONE:/admin/invitations  LOGIN
GET    /admin/employers                             LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /admin/employers/{user_id:int}               LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /admin/employers/{user_id:int}/{verb}        LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /admin/employers/{user_id:int}/{verb}        LOGIN      FORBIDDEN  FORBIDDEN  DONE:/admin/employers/{user_id}  LOGIN
GET    /admin/payments                              LOGIN      FORBIDDEN  FORBIDDEN  SEEN  LOGIN
POST   /admin/payments                              LOGIN      FORBIDDEN  FORBIDDEN  STEP:/admin/payments/*  LOGIN
POST   /admin/payments/selected                     LOGIN      FORBIDDEN  FORBIDDEN  STEP:/admin/payments/*  LOGIN
GET    /admin/payments/{run_id:int}                 LOGIN      FORBIDDEN  FORBIDDEN  SEEN  LOGIN
POST   /admin/payments/{run_id:int}/confirm         LOGIN      FORBIDDEN  FORBIDDEN  STEP:/admin/payments/{run_id}  LOGIN
POST   /admin/payments/{run_id:int}/pay             LOGIN      FORBIDDEN  FORBIDDEN  STEP:/admin/payments/{run_id}  LOGIN
POST   /admin/payments/{run_id:int}/cancel          LOGIN      FORBIDDEN  FORBIDDEN  STEP:/admin/payments/{run_id}  LOGIN
POST   /admin/payments/{run_id:int}/void            LOGIN      FORBIDDEN  FORBIDDEN  STEP:/admin/payments/{run_id}  LOGIN
POST   /admin/payments/{run_id:int}/in-cash         LOGIN      FORBIDDEN  FORBIDDEN  DONE:/admin/payments/{run_id}  LOGIN
POST   /admin/payments/{run_id:int}/tickets/{ticket_id:int}/take-out LOGIN      FORBIDDEN  FORBIDDEN  DONE:/admin/payments/{run_id}  LOGIN
GET    /admin/overview                              LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /admin/payments/{run_id:int}/file            LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /admin/payments/{run_id:int}/file/{kind}     LOGIN      FORBIDDEN  FORBIDDEN  DONE       LOGIN
GET    /admin/payments/{run_id:int}/answer          LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /admin/payments/{run_id:int}/answer          LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
POST   /admin/payments/{run_id:int}/answer/save     LOGIN      FORBIDDEN  FORBIDDEN  STEP:/admin/payments/{run_id}  LOGIN
GET    /admin/payments/{run_id:int}/statement/{employee_id:int}  LOGIN  FORBIDDEN  FORBIDDEN  SEEN  LOGIN
GET    /admin/history                               LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
GET    /admin/history/people                        LOGIN      FORBIDDEN  FORBIDDEN  SEEN       LOGIN
"""  # noqa: E501


def _rows() -> dict[Route, dict[Person, str]]:
    first, *lines = filter(None, TABLE.splitlines())
    columns = [Person(name) for name in first.split()]
    rows: dict[Route, dict[Person, str]] = {}
    for method, path, *words in map(str.split, lines):
        assert (method, path) not in rows, f"{method} {path} has two rows"
        rows[method, path] = dict(zip(columns, words, strict=True))
    return rows


ROWS = _rows()


# By how an address ends, the payment run that it can do something to; else it is a draft.
STATES = {"void": "paid"} | dict.fromkeys(
    ("pay", "answer", "save", "file", "{kind}", "{run_id:int}", "{employee_id:int}"), "confirmed"
)


@dataclass(frozen=True)
class World:
    """Who and what there is when a request comes in."""

    people: dict[Person, UserView]
    tokens: dict[Person, str]
    # Of each employee a pending one and a decided one.
    tickets: dict[Person, list[int]]
    # Each of the pending ones has a receipt, and the owner has a draft.
    receipts: dict[Person, int]
    draft: int
    # A draft of one ticket, and a run that is confirmed, and one that is paid.
    runs: dict[str, int]
    drafted_ticket: int
    # A token of the owner's, another of their sessions, and somebody's registration under way.
    token: int
    connection: int
    registration: str
    # A link by which the owner may set a new password.
    reset: str
    new_email: str
    # An invitation, and what its link has.
    invitation: int
    invited: str
    # Another employer, and one who left.
    other_employer: int
    left_employer: int
    # The owner's passkey, one of their codes, and a log-in of theirs before its second step.
    passkey: int
    recovery_code: str
    second_step: str
    # A link by which somebody confirms their e-mail.
    confirmation: str

    def email(self, person: Person) -> str:
        user = self.people.get(person)
        return user.email if user else "nobody@contoso.example"

    def fill_in(self, address: str, path: str, *, hidden: bool = False) -> str:
        """`address` with what the route at `path` can do something to; the owner's, or hidden."""
        pending, decided = self.tickets[Person.SUSPENDED if hidden else Person.OWNER]
        ticket = decided if path.endswith("/reopen") else pending
        run = "draft"
        if "/payment" in path:
            ticket = pending if hidden else self.drafted_ticket
            run = STATES.get(path.rpartition("/")[2], "draft")
        reactivates = path.endswith(("/reactivate", "/undo", "/erase"))
        employee = self.people[Person.SUSPENDED if reactivates else Person.COLLEAGUE].id
        if "/statement/" in path:
            employee = self.people[Person.OWNER].id
        values = {
            "ticket_id": ticket,
            "receipt_id": (
                self.draft
                if path.startswith("/tickets/receipts")
                else self.receipts[Person.SUSPENDED if hidden else Person.OWNER]
            ),
            "run_id": self.runs[run],
            "employee_id": employee,
            "invitation_id": self.invitation,
            "pk": employee if "/employee/" in path else ticket,
            "employer_id": (
                self.left_employer if path.endswith("/activate") else self.other_employer
            ),
            "user_id": (
                self.people[Person.COLLEAGUE].id if path.endswith("/role") else self.other_employer
            ),
            "verb": "deactivate",
            "token_id": self.token,
            "session_id": self.connection,
            "passkey_id": self.passkey,
            "kind": "csv",
            "path": asset_address("app.css").removeprefix("/static/"),
        }
        return re.sub(r"{(\w+)(:\w+)?}", lambda found: str(values[found[1]]), address)


Body = Callable[[World, Person], dict[str, Any]]


def _json(**fields: Any) -> Body:
    return lambda _world, _person: {"json": fields}


def _form(**fields: Any) -> Body:
    return lambda _world, _person: {"data": fields}


def _credentials(world: World, person: Person) -> dict[str, str]:
    return {"email": world.email(person), "password": PASSWORD}


def _parts(**fields: str) -> Body:
    """A form that may hold files."""
    return lambda _world, _person: {"files": {name: (None, text) for name, text in fields.items()}}


def _ticked(**fields: str) -> Body:
    return lambda world, _person: {
        "data": fields
        | {
            "seen": datetime.now(UTC).isoformat(),
            "ticket": [world.tickets[who][0] for who in (Person.OWNER, Person.SUSPENDED)],
        }
    }


def _mail_link(world: World, _person: Person) -> dict[str, Any]:
    """From a mail to the owner, whoever holds it."""
    link = switch_off_link(world.people[Person.OWNER].id, usual_settings())
    return {"params": dict(parse_qsl(urlsplit(link).query))}


def _email_link(world: World, person: Person) -> dict[str, Any]:
    """From the mail to the owner's new address; who is not logged in asks without it."""
    is_logged_in = person not in {Person.STRANGER, Person.SUSPENDED}
    return {"params": {"token": world.new_email}} if is_logged_in else {}


def _bank_answer(world: World, _person: Person) -> dict[str, Any]:
    """The second run of the year, with what the owner gets."""
    owner = world.people[Person.OWNER].id
    number = f"{usual_settings().today().year}-002"
    return {"files": {"file": ("answer.csv", f"reference\n{number}-{owner}\n")}}


PICTURE = encoded(Image.new("RGB", (8, 8)), "PNG")


def _receipt(name: str) -> Body:
    return lambda _world, _person: {"files": {name: ("receipt.png", PICTURE)}}


NEW_EMAIL = {"email": "new@contoso.example", "password": PASSWORD}
NEW_PASSWORD = "another horse 10"
TOKEN = {"name": "Paper", "scopes": ["read"], "password": PASSWORD}
PAYOUT = {"holder": "Ada", "iban": "DE89 3704 0044 0532 0130 00", "password": PASSWORD}
PURCHASE = {key: value for key, value in ticket_json().items() if key != "links"}
OTHER_PURCHASE = PURCHASE | {"amount": "77.70", "description": "Paper"}
ROW_OF_FILE = f"date,amount,category,description\n{PURCHASE['spent_on']},88.80,travel,Train\n"

# What a valid request sends, where it sends anything.
BODIES: dict[Route, Body] = {
    ("POST", "/api/users"): _json(
        email="new@contoso.example", password=PASSWORD, username="New", role="employee"
    ),
    ("POST", "/api/session"): lambda world, person: {"json": _credentials(world, person)},
    ("PATCH", "/api/me"): _json(username="Called otherwise"),
    ("PUT", "/api/me/mails"): _json(on=False),
    ("PUT", "/api/me/payout"): _json(**PAYOUT),
    ("POST", "/api/me/email"): _json(**NEW_EMAIL),
    ("POST", "/api/me/tokens"): _json(**TOKEN),
    ("POST", "/api/me/password"): _json(old=PASSWORD, new=NEW_PASSWORD),
    ("PUT", "/api/users/{user_id}/role"): _json(role="employer"),
    ("POST", "/api/tickets"): _json(**OTHER_PURCHASE),
    ("PATCH", "/api/tickets/{ticket_id:int}"): _json(amount="99.90"),
    ("POST", "/api/tickets/{ticket_id:int}/deny"): _json(reason="Not a business trip"),
    ("POST", "/api/tickets/{ticket_id:int}/reopen"): _json(reason="Too hasty"),
    ("POST", "/api/payment-runs"): _json(currency="USD"),
    ("POST", "/api/payment-runs/{run_id:int}/pay"): _json(paid_on=PURCHASE["spent_on"]),
    ("POST", "/api/payment-runs/{run_id:int}/file"): _json(kind="csv"),
    ("POST", "/api/payment-runs/{run_id:int}/cancel"): _json(reason="The wrong month"),
    ("POST", "/api/payment-runs/{run_id:int}/void"): _json(reason="Returned by the bank"),
    ("POST", "/admin/payments"): _form(currency="USD"),
    ("POST", "/admin/payments/selected"): lambda world, _person: {
        "data": {"ticket": [world.tickets[who][1] for who in (Person.OWNER, Person.SUSPENDED)]}
    },
    ("POST", "/admin/payments/{run_id:int}/pay"): _form(paid_on=PURCHASE["spent_on"]),
    ("POST", "/admin/payments/{run_id:int}/cancel"): _form(reason="The wrong month"),
    ("POST", "/admin/payments/{run_id:int}/void"): _form(reason="Returned by the bank"),
    ("POST", "/admin/payments/{run_id:int}/in-cash"): lambda world, _person: {
        "data": {"employee": world.people[Person.OWNER].id, "in_cash": "1"}
    },
    ("POST", "/language"): _form(language="zh_Hans_CN", next="/account"),
    ("POST", "/appearance"): _form(theme="dark", next="/account"),
    ("POST", "/login"): lambda world, person: {"data": _credentials(world, person)},
    ("POST", "/register"): _form(username="New", role="employee"),
    ("POST", "/forgot"): lambda world, _person: {"data": {"email": world.email(Person.OWNER)}},
    ("GET", "/reset"): lambda world, _person: {"params": {"token": world.reset}},
    ("POST", "/reset"): lambda world, _person: {
        "data": {"token": world.reset, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    },
    ("GET", "/invited"): lambda world, _person: {"params": {"token": world.invited}},
    ("POST", "/invited"): lambda world, _person: {
        "data": {"token": world.invited, "username": "New", "new": NEW_PASSWORD}
    },
    ("GET", "/confirm"): lambda world, _person: {"params": {"token": world.confirmation}},
    ("POST", "/confirm"): lambda world, _person: {
        "data": {
            "token": world.confirmation,
            "username": "New",
            "role": "employee",
            "new": NEW_PASSWORD,
        }
    },
    ("POST", "/api/invitations"): _json(email="new@contoso.example", role="employer"),
    ("POST", "/admin/invitations"): _form(email="new@contoso.example", role="employee"),
    ("POST", "/admin/invitations/file"): lambda _world, _person: {
        "files": {"file": ("people.csv", "email,role\na@contoso.example,\nb@contoso.example,\n")}
    },
    ("POST", "/login/recovery-code"): lambda world, _person: {
        "data": {"code": world.recovery_code}
    },
    ("POST", "/account/passkeys"): _form(name="A key"),
    ("POST", "/account/passkeys/options"): _form(name="A key", password=PASSWORD),
    ("POST", "/account/passkeys/recovery-codes"): _form(code_password=PASSWORD),
    ("POST", "/account/passkeys/{passkey_id}/remove"): _form(password=PASSWORD),
    ("POST", "/account/username"): _form(username="Called otherwise"),
    ("POST", "/account/email"): _form(**NEW_EMAIL),
    ("GET", "/account/email/confirm"): _email_link,
    ("POST", "/account/email/confirm"): lambda world, _person: {"data": {"token": world.new_email}},
    ("POST", "/account/mails"): _form(mails="off"),
    ("POST", "/account/payout"): _form(**PAYOUT),
    ("POST", "/account/tokens"): _form(**TOKEN, days="90"),
    ("GET", "/mails/off"): _mail_link,
    ("POST", "/mails/off"): _mail_link,
    ("POST", "/account/password"): _form(old=PASSWORD, new=NEW_PASSWORD, again=NEW_PASSWORD),
    ("POST", "/tickets"): _form(**OTHER_PURCHASE),
    ("POST", "/tickets/seen"): _form(until=datetime.now(UTC).isoformat()),
    ("POST", "/tickets/duplicates"): _form(**PURCHASE),
    ("POST", "/tickets/draft"): _form(**OTHER_PURCHASE),
    ("POST", "/tickets/import"): lambda _world, _person: {
        "files": {"file": ("tickets.csv", ROW_OF_FILE)}
    },
    ("POST", "/tickets/import/save"): _parts(text=ROW_OF_FILE, key="once"),
    ("POST", "/api/tickets/{ticket_id:int}/receipts"): _receipt("file"),
    ("POST", "/tickets/receipts"): _receipt("files"),
    ("POST", "/tickets/{ticket_id:int}/receipts"): _receipt("files"),
    ("POST", "/tickets/{ticket_id:int}"): _form(amount="99.90"),
    ("POST", "/admin/employee/{employee_id:int}/erase"): lambda world, _person: {
        "data": {"email": world.email(Person.SUSPENDED)}
    },
    ("POST", "/admin/ticket/{ticket_id:int}/deny"): _form(reason="Not a business trip"),
    ("POST", "/admin/ticket/{ticket_id:int}/reopen"): _form(reason="Too hasty"),
    ("POST", "/admin/ticket/decide"): _ticked(verdict="approve"),
    ("POST", "/admin/payments/{run_id:int}/answer"): _bank_answer,
    ("POST", "/admin/payments/{run_id:int}/answer/save"): _bank_answer,
    ("POST", "/admin/ticket/undo"): _form(tickets="1"),
    ("POST", "/admin/ticket/filters"): _form(name="Dinners", query="q=dinner"),
    ("POST", "/admin/ticket/filters/remove"): _form(name="Lunches"),
    ("POST", "/admin/ticket/decide/all"): _ticked(verdict="approve"),
}
