"""The history page: who did what, when, to what; filtered, and for reading only."""

import re
from datetime import date, datetime, time, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import insert

from expenses.console.actions import LABELS, VERBS
from expenses.history import Event
from expenses.tickets.events import Action
from tests.harness import AppTestCase, make_settings, usual_settings

LUNCH = "$12.50 Ada Lunch with a customer"
CORE = Path(__file__).parents[2] / "src" / "expenses"


def shown(page: httpx.Response) -> list[int]:
    """The events of the page, in their order."""
    return [int(number) for number in re.findall(r'<tr data-event="(\d+)"', page.text)]


def lines(page: httpx.Response) -> list[str]:
    """Who did what and why, without tags."""
    return [
        " ".join(re.sub(r"<[^>]+>", " ", row).split())
        for row in re.findall(r'<td class="who">(.*?)</tr>', page.text, re.DOTALL)
    ]


class HistoryTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss = await self.new_employer("Dana")
        self.browser = await self.browser_of(self.boss)

    async def history(self, **query: Any) -> httpx.Response:
        page = await self.browser.get("/admin/history", params=query)
        self.assertEqual(page.status_code, 200, page.text)
        return page

    async def newest_first(self, *actions: str) -> list[int]:
        return [event.id for event in reversed(await self.events(*actions))]


class Reading(HistoryTestCase):
    async def test_it_tells_everything_in_plain_words_the_newest_first(self) -> None:
        ada = await self.new_employee("Ada")
        first, second = await self.new_ticket(ada), await self.new_ticket(ada)
        await self.approve(first, by=self.boss, reason="Well spent")
        await self.withdraw(second, by=ada)
        await self.browser.post(f"/admin/ticket/{first}/reopen", data={"reason": "A mistake"})
        await self.browser.post(f"/admin/employee/{ada.id}/suspend", data={"reason": "On leave"})
        await self.browser.post(f"/admin/employee/{ada.id}/reactivate")
        page = await self.history()
        self.assertEqual(
            lines(page),
            [
                "Dana reactivated Ada",
                "Dana suspended Ada 2 tickets hidden: $25.00 On leave",
                f"Dana reopened ticket {first} {LUNCH} A mistake",
                f"Ada withdrew ticket {second} {LUNCH}",
                f"Dana approved ticket {first} {LUNCH} Well spent",
                f"Ada filed ticket {second} {LUNCH}",
                f"Ada filed ticket {first} {LUNCH}",
                "Ada registered as an employee",
                "Dana registered as an employer",
            ],
        )
        self.assertEqual(shown(page), await self.newest_first())
        self.assertIn(f'href="/admin/ticket/details/{first}?status=all"', page.text)
        self.assertIn(f'href="/admin/employee/details/{ada.id}"', page.text)
        self.assertNotIn(f"/admin/employee/details/{self.boss.id}", page.text)
        at = (await self.last_event()).at
        self.assertIn(f'<time datetime="{at.isoformat()}">', page.text)

    async def test_what_is_recorded_can_be_asked_for(self) -> None:
        """Whoever adds an action adds it to the filter, and a verb for it."""
        sources = [
            path.read_text(encoding="utf-8")
            for noun in ("users", "tickets", "receipts", "payments")
            for path in (CORE / noun).glob("*.py")
            if path.name != "events.py"
        ]
        recorded = set(re.findall(r'"((?:user|ticket|payment_run)\.[a-z_]+)"', "".join(sources)))
        self.assertGreater(len(recorded), 5)
        self.assertLessEqual(recorded, set(Action))
        self.assertEqual(set(LABELS), set(Action))
        self.assertEqual(set(VERBS), set(Action))
        page = await self.history()
        offered = re.findall(r'<option value="([a-z._]+)" >([^<]+)<', unescape(page.text))
        self.assertEqual(offered, [(action.value, LABELS[action]) for action in Action])

    async def test_events_of_hidden_tickets_are_hidden_and_come_back(self) -> None:
        ada, ben = await self.new_employee("Ada"), await self.new_employee("Ben")
        hers, his = await self.new_ticket(ada), await self.new_ticket(ben)
        await self.deny(hers, by=self.boss, reason="A secret trip")
        before = shown(await self.history())
        await self.suspend(ada, by=self.boss)
        page = await self.history()
        self.assertEqual(
            lines(page),
            [
                "Dana suspended Ada 1 ticket hidden: $12.50",
                f"Ben filed ticket {his} $12.50 Ben Lunch with a customer",
                "Ben registered as an employee",
                "Ada registered as an employee",
                "Dana registered as an employer",
            ],
        )
        self.assertNotIn("A secret trip", page.text)
        self.assertEqual(shown(await self.history(ticket=hers)), [])
        self.assertEqual(shown(await self.history(action="ticket.denied")), [])
        await self.browser.post(f"/admin/employee/{ada.id}/reactivate")
        self.assertEqual(shown(await self.history())[2:], before)

    async def test_pages_go_on_and_keep_the_filters(self) -> None:
        ada = await self.new_employee("Ada")
        for _ in range(4):
            await self.new_ticket(ada)
        with patch("expenses.console.history.PAGE_SIZE", 3):
            first = await self.history(action="ticket.created", actor="ada")
            older = re.search(r'rel="next" href="([^"]+)"', first.text)
            assert older is not None
            second = await self.browser.get(older[1].replace("&amp;", "&"))
        self.assertEqual(shown(first) + shown(second), await self.newest_first("ticket.created"))
        self.assertNotIn('rel="next"', second.text)
        self.assertIn("Newest", second.text)

    async def test_it_takes_the_same_statements_however_long_it_is(self) -> None:
        query = {"actor": "Dana", "user": "Ada", "from": "2020-01-01"}
        ada = await self.new_employee("Ada")
        with self.counted_statements() as few:
            await self.history()
        with self.counted_statements() as few_filtered:
            await self.history(**query)
        for _ in range(5):
            await self.suspend(ada, by=self.boss)
            await self.browser.post(f"/admin/employee/{ada.id}/reactivate")
        with self.counted_statements() as many:
            await self.history()
        with self.counted_statements() as many_filtered:
            page = await self.history(**query)
        self.assertEqual(len(shown(page)), 10)
        self.assertEqual((len(few), len(many)), (2, 2))
        self.assertEqual((len(few_filtered), len(many_filtered)), (4, 4))

    async def test_nothing_found_is_no_blank_page(self) -> None:
        self.assertIn("Nothing matches", (await self.history(ticket=77)).text)


class Filters(HistoryTestCase):
    async def test_every_filter_and_all_of_them_together(self) -> None:
        ada, ben = await self.new_employee("Ada"), await self.new_employee("Ben")
        ticket = await self.new_ticket(ada)
        await self.new_ticket(ben)
        await self.deny(ticket, by=self.boss)
        await self.suspend(ben, by=self.boss)
        today = usual_settings().today()
        everything = len(shown(await self.history()))
        yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
        for query, found in (
            ({"actor": "ADA"}, ["Ada filed", "Ada registered"]),
            ({"actor": self.boss.email.upper()}, ["Dana suspended", "Dana denied", "Dana reg"]),
            ({"user": ben.email}, ["Dana suspended", "Ben registered"]),
            ({"action": "user.suspended"}, ["Dana suspended"]),
            ({"ticket": f"#{ticket}"}, ["Dana denied", "Ada filed"]),
            ({"actor": "dana", "action": "ticket.denied", "ticket": f" {ticket} ",
              "from": today, "to": today, "user": ""}, ["Dana denied"]),
            ({"actor": "dana", "user": "ada"}, []),
            ({"from": yesterday, "to": tomorrow, "actor": "ben"}, ["Ben registered"]),
            ({"to": yesterday - timedelta(days=1)}, []),
            ({"from": tomorrow + timedelta(days=1)}, []),
        ):  # fmt: skip
            with self.subTest(query=query):
                told = lines(await self.history(**query))
                self.assertEqual(len(told), len(found), told)
                for line, beginning in zip(told, found, strict=True):
                    self.assertTrue(line.startswith(beginning), line)
        wide = await self.history(**{"from": "1970-01-01", "to": "9999-12-31"})
        self.assertEqual(len(shown(wide)), everything)

    async def test_days_are_those_of_the_company(self) -> None:
        for day, timezone in (
            (date(2024, 3, 5), "Asia/Shanghai"),
            (date(2024, 7, 5), "America/New_York"),
        ):
            app = self.start_app(make_settings(timezone=timezone))
            browser = await self.client(app)
            browser.headers["Authorization"] = f"Bearer {await self.token_of(self.boss)}"
            midnight = datetime.combine(day, time(), ZoneInfo(timezone))
            instants = (
                midnight - timedelta(microseconds=1),
                midnight,
                midnight + timedelta(hours=24) - timedelta(microseconds=1),
                midnight + timedelta(hours=24),
            )
            async with self.database.transaction() as connection:
                ids = [
                    await connection.scalar(
                        insert(Event)
                        .values(action="user.registered", actor_id=self.boss.id, at=at)
                        .returning(Event.id)
                    )
                    for at in instants
                ]
            page = await browser.get("/admin/history", params={"from": str(day), "to": str(day)})
            self.assertEqual(shown(page), [ids[2], ids[1]])
            for limit in ("1970-01-01", "9999-12-31"):
                for name in ("from", "to"):
                    page = await browser.get("/admin/history", params={name: limit})
                    self.assertEqual(page.status_code, 200)

    async def test_what_cannot_be_read_is_said_at_its_field(self) -> None:
        await self.new_employee("Twin")
        await self.call_alike(await self.new_employee(), "twin")
        for field, value, message in (
            ("actor", "nobody", "Nobody has this name"),
            ("actor", "twin", "Several people have this name"),
            ("actor", "a\0b", "Control characters"),
            ("actor", "x" * 255, "Use at most 254"),
            ("actor", "9" * 30, "Nobody has this name"),
            ("user", "nobody", "Nobody has this name"),
            ("user", "\0", "Control characters"),
            ("action", "ticket.eaten", "Choose one of"),
            ("action", "\0", "Choose one of"),
            ("ticket", "x", "Use the number of a ticket"),
            ("ticket", "0", "Use the number of a ticket"),
            ("ticket", "-1", "Use the number of a ticket"),
            ("ticket", "1.0", "Use the number of a ticket"),
            ("ticket", "\0", "Use the number of a ticket"),
            ("ticket", "\u0661", "Use the number of a ticket"),
            ("ticket", str(2**63), "Use the number of a ticket"),
            ("ticket", "9" * 5000, "Use the number of a ticket"),
            ("from", "yesterday", "Use a date such as"),
            ("from", "2026-02-30", "Use a date such as"),
            ("from", "0001-01-01", "This date is too long ago"),
            ("to", "99999-01-01", "Use a date such as"),
            ("to", "\0", "Use a date such as"),
        ):
            with self.subTest(field=field, value=value[:20]):
                page = await self.browser.get("/admin/history", params={field: value})
                self.assertEqual((page.status_code, shown(page)), (422, []))
                self.assertRegex(page.text, rf'id="{field}-problem">{message}')
        for query in ("cursor=x", "cursor=%00", "from=2026-05-02&to=2026-05-01"):
            page = await self.browser.get(f"/admin/history?{query}")
            self.assertEqual((page.status_code, shown(page)), (422, []))
            self.assertIn("Nothing is shown", page.text)


class Suggestions(HistoryTestCase):
    async def suggested(self, text: str) -> list[str]:
        answer = await self.browser.get("/admin/history/people", params={"q": text})
        self.assertEqual(answer.status_code, 200)
        return [person["username"] for person in answer.json()["items"]]

    async def test_they_are_employers_and_employees_by_a_part_of_name_or_e_mail(self) -> None:
        ada, zoe = await self.new_employee("Ada Byron"), await self.new_employee("Zo\u00eb")
        await self.suspend(zoe, by=self.boss)
        page = await self.history()
        self.assertEqual(page.text.count('data-suggest="/admin/history/people"'), 2)
        for text, names in (
            ("byr", ["Ada Byron"]),
            (ada.email[:-3].upper(), ["Ada Byron"]),
            ("zoe", ["Zo\u00eb"]),
            ("dan", ["Dana"]),
            ("%", []),
        ):
            with self.subTest(text=text):
                self.assertEqual(await self.suggested(text), names)

    async def test_they_are_a_few(self) -> None:
        for number in range(12):
            await self.new_employee(f"Twin {number}")
        self.assertEqual(await self.suggested("twin"), [f"Twin {11 - each}" for each in range(10)])

    async def test_a_text_that_cannot_be_read_is_refused(self) -> None:
        for query in ({"q": "x" * 255}, {"q": "\0"}):
            answer = await self.browser.get("/admin/history/people", params=query)
            self.assertEqual(answer.status_code, 422)


class Access(HistoryTestCase):
    async def test_it_is_for_employers(self) -> None:
        ada = await self.new_employee()
        self.assertEqual(
            (await (await self.browser_of(ada)).get("/admin/history")).status_code, 403
        )
        answer = await (await self.client()).get("/admin/history")
        self.assertEqual(answer.headers["location"], "/login?next=/admin/history")

    async def test_nobody_changes_it(self) -> None:
        async with self.nothing_changes():
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                answer = await self.browser.request(method, "/admin/history")
                self.assertEqual(answer.status_code, 405)
