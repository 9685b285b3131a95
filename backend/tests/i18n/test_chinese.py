"""Every page and every refusal in Chinese: no English is left but names and data.

`long_chinese_input.py` sends what is wrong, too.
"""

import httpx

from expenses.payments.files import FileKind
from expenses.payments.models import RunStatus
from expenses.tickets.models import Category, TicketStatus
from expenses.tickets.schemas import TicketFields
from expenses.users.models import Role, Scope
from tests.harness import AppTestCase
from tests.i18n.chinese import CHINESE, english_in, texts_of
from tests.web.access_harness import AccessTestCase
from tests.web.access_matrix import ROWS, Person

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
