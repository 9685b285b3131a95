"""A file with people to invite: an e-mail and a role in each row."""

import asyncio
from collections.abc import Mapping, Sequence

from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.requests import Request

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext
from expenses.i18n.text import N_
from expenses.tickets.spreadsheets.files import read_table
from expenses.tickets.spreadsheets.tables import MAX_FILE_SIZE
from expenses.users.identity import email_identity
from expenses.users.invitation_queries import Invitee
from expenses.users.models import Role
from expenses.users.schemas import Email
from expenses.web.validation import parse

MOST_ROWS = 500
_ROLES = {
    "": Role.EMPLOYEE,
    "employee": Role.EMPLOYEE,
    "员工": Role.EMPLOYEE,
    "employer": Role.EMPLOYER,
    "雇主": Role.EMPLOYER,
}

# By the number that spreadsheet programs show for the row.
Rows = dict[int, Invitee]


class _Address(BaseModel):
    email: Email


class WrongRows(Exception):
    """What is wrong, by the number of the row."""

    def __init__(self, problems: Mapping[int, str]) -> None:
        super().__init__()
        self.problems = problems


async def read_people(request: Request) -> Rows:
    """Read the form's file. Raises `InvalidInput` for the field `file`, and `WrongRows`."""
    async with request.form(max_files=1, max_fields=10) as form:
        sent = form.get("file")
        content = await sent.read(MAX_FILE_SIZE + 1) if isinstance(sent, UploadFile) else b""
    if not content:
        raise InvalidInput({"file": N_("Choose a file with an e-mail and a role in each row.")})
    table = await asyncio.to_thread(read_table, content)
    rows = table.rows if "@" in table.rows[0][1][0] else table.rows[1:]
    if not rows:
        raise InvalidInput({"file": N_("There is no e-mail in this file.")})
    if len(rows) > MOST_ROWS:
        raise InvalidInput({"file": N_("Invite at most 500 people at once.")})
    return _people(rows)


def _people(rows: Sequence[tuple[int, list[str]]]) -> Rows:
    people: Rows = {}
    problems: dict[int, str] = {}
    seen: dict[str, int] = {}
    for number, cells in rows:
        try:
            person = _person(cells)
        except InvalidInput as error:
            problems[number] = " ".join(error.fields.values())
            continue
        earlier = seen.setdefault(email_identity(person.email), number)
        if earlier != number:
            problems[number] = gettext("The same e-mail is in row %(number)s.", number=earlier)
        people[number] = person
    if problems:
        raise WrongRows(problems)
    return people


def _person(cells: Sequence[str]) -> Invitee:
    email, role = [*cells, ""][:2]
    address = parse(_Address, {"email": email}).email
    if role.strip().lower() not in _ROLES:
        raise InvalidInput({"role": gettext("The role is either employee or employer.")})
    return Invitee(address, _ROLES[role.strip().lower()])
