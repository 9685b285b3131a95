"""The employees in the console: tabs, search, numbers, and being asked before a suspension."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from unittest.mock import patch

import httpx
from markupsafe import escape
from sqlalchemy import select

from expenses.users.models import User
from expenses.users.queries import UserView
from tests.harness import AppTestCase, usual_settings


def shown(page: httpx.Response) -> list[int]:
    """The employees of a list, in their order."""
    return [int(number) for number in re.findall(r'<tr data-employee="(\d+)"', page.text)]


def row(page: httpx.Response, employee: UserView) -> str:
    """What stands in an employee's row, without its tags."""
    found = re.search(rf'<tr data-employee="{employee.id}">(.*?)</tr>', page.text, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


def tabs(page: httpx.Response) -> list[str]:
    return re.findall(r'<span class="count">([^<]+)</span></a></li>', page.text)


def link(page: httpx.Response, relation: str) -> str:
    found = re.search(rf'rel="{relation}" href="([^"]+)"', page.text)
    assert found is not None, relation
    return found[1].replace("&amp;", "&")


def hidden(
    currency: str, tickets: int, amount: str, approved_tickets: int = 0, approved: str = "0.00"
) -> dict[str, Any]:
    """What the history says of a suspension, for one currency."""
    return {
        "currency": currency,
        "tickets": tickets,
        "amount": amount,
        "approved_tickets": approved_tickets,
        "approved_amount": "0" if currency == "JPY" else approved,
    }


class EmployeesTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss = await self.new_employer("Dana")
        self.browser = await self.browser_of(self.boss)

    async def listing(self, **query: Any) -> httpx.Response:
        page = await self.browser.get("/admin/employee/list", params=query)
        self.assertEqual(page.status_code, 200)
        return page

    async def details(self, employee: UserView) -> httpx.Response:
        page = await self.browser.get(f"/admin/employee/details/{employee.id}")
        self.assertEqual(page.status_code, 200)
        return page

    async def reactivate(self, employee: UserView) -> None:
        await self.browser.post(f"/admin/employee/{employee.id}/reactivate")

    async def is_suspended(self, employee: UserView) -> bool:
        async with self.database.reading() as connection:
            query = select(User.suspended_at).where(User.id == employee.id)
            return (await connection.execute(query)).scalar_one() is not None


class Tabs(EmployeesTestCase):
    async def test_it_opens_on_the_active_ones_the_newest_first(self) -> None:
        ada, ben, cleo = [await self.new_employee() for _ in range(3)]
        await self.suspend(ben, by=self.boss)
        page = await self.listing()
        self.assertEqual(shown(page), [cleo.id, ada.id])
        self.assertEqual(tabs(page), ["2", "1", "3"])
        for status, employees in (
            ("active", [cleo, ada]),
            ("suspended", [ben]),
            ("all", [cleo, ben, ada]),
            ("", [cleo, ada]),
        ):
            page = await self.listing(status=status)
            self.assertEqual(shown(page), [employee.id for employee in employees])

    async def test_counts_stop_where_counting_would_cost_more_and_more(self) -> None:
        for _ in range(4):
            await self.new_employee()
        with (
            patch("expenses.console.employees.COUNT_LIMIT", 3),
            patch("expenses.tickets.counts.COUNT_LIMIT", 3),
        ):
            self.assertEqual(tabs(await self.listing()), ["3+", "0", "3+"])

    async def test_pages_go_on_and_keep_the_question(self) -> None:
        people = [await self.new_employee(f"Same {number}") for number in range(4)]
        await self.new_employee("Other")
        with patch("expenses.console.employees.PAGE_SIZE", 3):
            first = await self.listing(q="same")
            second = await self.browser.get(link(first, "next"))
        self.assertEqual(shown(first) + shown(second), [person.id for person in reversed(people)])
        self.assertNotIn('rel="next"', second.text)
        self.assertIn('href="/admin/employee/list?q=same">Newest', second.text)

    async def test_the_list_takes_the_same_statements_however_long_it_is(self) -> None:
        await self.new_ticket(await self.new_employee())
        with self.counted_statements() as few:
            await self.listing(status="all", q="person")
        for number in range(30):
            ada = await self.new_employee()
            await self.new_ticket(ada)
            if number % 3 == 0:
                await self.suspend(ada, by=self.boss)
        with self.counted_statements() as many:
            page = await self.listing(status="all", q="person")
        self.assertEqual((len(shown(page)), len(few), len(many)), (31, 4, 4))

    async def test_nobody_at_all_is_no_blank_page(self) -> None:
        self.assertIn("No employees here yet", (await self.listing()).text)
        self.assertIn("Nobody is suspended", (await self.listing(status="suspended")).text)
        self.assertIn("No matches", (await self.listing(q="yeti")).text)


class Search(EmployeesTestCase):
    async def test_it_finds_parts_of_names_and_e_mails_here_and_in_the_api(self) -> None:
        ada, ben = await self.new_employee("Ada Lovelace"), await self.new_employee("100%_Ben")
        for text, employees in (
            ("lovelace", [ada]),
            (" ADA ", [ada]),
            (ben.email.upper(), [ben]),
            ("%", [ben]),
            ("_b", [ben]),
            ("contoso", [ben, ada]),
            ("", [ben, ada]),
            ("dana", []),
            ("\\", []),
            ("'; DROP TABLE users; --", []),
        ):
            with self.subTest(text=text):
                ids = [employee.id for employee in employees]
                self.assertEqual(shown(await self.listing(q=text)), ids)
                answer = await self.browser.get("/api/employees", params={"q": text})
                self.assertEqual([user["id"] for user in answer.json()["items"]], ids)

    async def test_the_tabs_count_what_the_search_finds(self) -> None:
        ada, ben = await self.new_employee("Ada"), await self.new_employee("Adam")
        await self.new_employee("Cleo")
        await self.suspend(ben, by=self.boss)
        page = await self.listing(q="ada")
        self.assertEqual((shown(page), tabs(page)), ([ada.id], ["1", "1", "2"]))
        self.assertIn("/admin/employee/list?q=ada&amp;status=suspended", page.text)

    async def test_what_cannot_be_read_is_said_at_its_field(self) -> None:
        await self.new_employee("Ada")
        for query in ("q=%00", f"q={'x' * 201}", "q=a%07b"):
            page = await self.browser.get(f"/admin/employee/list?{query}")
            self.assertEqual((page.status_code, shown(page)), (422, []), query)
            self.assertIn('id="q-problem"', page.text)
            answer = await self.browser.get(f"/api/employees?{query}")
            self.assert_problem(answer, 422, "invalid-input")


class Numbers(EmployeesTestCase):
    async def test_pending_tickets_and_what_was_approved_this_year_by_currency(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        for amount, currency in (("10.00", "USD"), ("2.50", "USD"), ("7.00", "EUR")):
            ticket = await self.new_ticket(ada, amount=amount, currency=currency)
            await self.approve(ticket, by=self.boss)
        for currency in ("USD", "EUR"):
            await self.new_ticket(ada, currency=currency)
        await self.deny(await self.new_ticket(ada, amount="500.00"), by=self.boss)
        await self.withdraw(await self.new_ticket(ada, amount="600.00"), by=ada)
        page = await self.listing()
        year = usual_settings().today().year
        self.assertIn(f"Pending 2 Approved spending in {year} €7.00 · $12.50 ", row(page, ada))
        self.assertIn(f"Pending 0 Approved spending in {year} nothing ", row(page, ben))
        self.assertIn(f"/admin/ticket/list?employee={ada.email.replace('@', '%40')}", page.text)
        self.assertIn("€7.00", (await self.details(ada)).text)

    async def test_the_year_is_that_of_the_purchase_and_leads_to_its_tickets(self) -> None:
        ada, year = await self.new_employee(), usual_settings().today().year
        for amount, spent_on in (("1.00", f"{year}-01-01"), ("2.00", f"{year - 1}-12-31")):
            ticket = await self.new_ticket(ada, amount=amount, spent_on=spent_on)
            await self.approve(ticket, by=self.boss)
        self.assertIn(f"Approved spending in {year} $1.00 ", row(await self.listing(), ada))
        for page in (await self.listing(), await self.details(ada)):
            [way] = re.findall(r'<a class="sum" href="([^"]*)">\$1.00</a>', page.text)
            listed = await self.browser.get(unescape(way))
            self.assertIn("1 ticket: ", re.sub("<[^>]+>", "", listed.text))

    async def test_a_suspended_one_has_a_dash_and_the_reason_for_it(self) -> None:
        ada = await self.new_employee("Ada")
        await self.approve(await self.new_ticket(ada, amount="77.00"), by=self.boss)
        await self.suspend(ada, by=self.boss)
        page = await self.listing(status="suspended")
        self.assertIn("\u2013 Tickets are hidden during a suspension Suspended", row(page, ada))
        self.assertNotIn("77.00", page.text)


class Ask(EmployeesTestCase):
    async def test_a_suspension_says_what_will_happen_and_takes_a_reason(self) -> None:
        ada = await self.new_employee("Ada")
        for _ in range(3):
            await self.new_ticket(ada)
        for _ in range(2):
            await self.token_of(ada)
        here = "/admin/employee/list?q=ada"
        async with self.nothing_changes():
            page = await self.browser.get(
                f"/admin/employee/{ada.id}/suspend", params={"next": here}
            )
        for text in (
            "3 tickets will disappear from every list",
            "2 sessions will end at once",
            "the tickets come back",
            "Sessions do not",
            ada.email,
        ):
            self.assertIn(text, page.text)
        answer = await self.browser.post(
            f"/admin/employee/{ada.id}/suspend", data={"reason": " Left ", "next": here}
        )
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, here))
        self.assertTrue(await self.is_suspended(ada))
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            (
                "user.suspended",
                self.boss.id,
                ada.id,
                {"reason": "Left", "sessions_ended": 2, "hidden": [hidden("USD", 3, "37.50")]},
            ),
        )

    async def test_the_history_says_what_each_suspension_hid(self) -> None:
        ada = await self.new_employee("Ada")
        await self.approve(await self.new_ticket(ada, amount="20"), by=self.boss)
        await self.deny(await self.new_ticket(ada, amount="2.50"), by=self.boss)
        await self.new_ticket(ada, amount="900", currency="JPY")
        await self.suspend(ada, by=self.boss)
        self.assertEqual(
            (await self.last_event()).details["hidden"],
            [hidden("JPY", 1, "900"), hidden("USD", 2, "22.50", 1, "20.00")],
        )
        for address in (f"/admin/employee/details/{ada.id}", "/admin/history"):
            page = " ".join((await self.browser.get(address)).text.split())
            self.assertIn("1 ticket hidden: ¥900<", page)
            self.assertIn(
                "2 tickets hidden: $22.50, approved among them: 1 ticket, $20.00", page, address
            )

    async def test_a_reactivation_does_too(self) -> None:
        ada = await self.new_employee("Ada")
        await self.new_ticket(ada)
        await self.suspend(ada, by=self.boss)
        async with self.nothing_changes():
            page = await self.browser.get(f"/admin/employee/{ada.id}/reactivate")
        self.assertIn("1 ticket will be back in every list", page.text)
        self.assertIn("Sessions that were ended stay ended", page.text)
        answer = await self.browser.post(
            f"/admin/employee/{ada.id}/reactivate", data={"reason": "Is back"}
        )
        self.assertEqual(answer.headers["location"], "/admin/employee/list")
        self.assertFalse(await self.is_suspended(ada))
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            ("user.reactivated", self.boss.id, ada.id, {"reason": "Is back"}),
        )

    async def test_without_a_reason_it_is_done_as_well(self) -> None:
        ada = await self.new_employee()
        await self.browser.post(f"/admin/employee/{ada.id}/suspend", data={"reason": "  "})
        self.assertTrue(await self.is_suspended(ada))
        self.assertIsNone((await self.last_event()).details["reason"])

    async def test_nothing_to_hide_and_no_session_are_said_too(self) -> None:
        ada = await self.new_employee()
        page = await self.browser.get(f"/admin/employee/{ada.id}/suspend")
        self.assertIn("no tickets to hide", page.text)
        self.assertNotIn("at once", page.text)
        self.assertIn("They cannot log in", page.text)

    async def test_an_unusable_reason_comes_back_with_the_message_at_the_field(self) -> None:
        ada = await self.new_employee()
        for verb in ("suspend", "reactivate"):
            for reason in ("x" * 501, "a\0b"):
                async with self.nothing_changes():
                    page = await self.browser.post(
                        f"/admin/employee/{ada.id}/{verb}", data={"reason": reason}
                    )
                self.assertEqual(page.status_code, 422)
                self.assertIn('id="reason-problem"', page.text)
            self.assertIn('value="a\0b"', page.text)
            await self.browser.post(f"/admin/employee/{ada.id}/suspend")

    async def test_what_is_done_already_is_said_beside_the_fresh_state(self) -> None:
        ada = await self.new_employee("Ada")
        for verb, sentence in (
            ("reactivate", "Ada is not suspended."),
            ("suspend", "Ada is already suspended."),
        ):
            for method in ("GET", "POST"):
                async with self.nothing_changes():
                    answer = await self.browser.request(method, f"/admin/employee/{ada.id}/{verb}")
                self.assertEqual(answer.headers["location"], f"/admin/employee/details/{ada.id}")
                self.assertIn(sentence, (await self.details(ada)).text)
            await self.suspend_once(ada)

    async def suspend_once(self, employee: UserView) -> None:
        if not await self.is_suspended(employee):
            await self.suspend(employee, by=self.boss)

    async def test_it_leads_back_to_no_other_site(self) -> None:
        ada = await self.new_employee()
        page = await self.browser.get(
            f"/admin/employee/{ada.id}/suspend", params={"next": "https://evil.example/"}
        )
        back = f"/admin/employee/details/{ada.id}"
        self.assertIn(f'<input type="hidden" name="next" value="{back}">', page.text)
        self.assertIn(f'<a class="btn" href="{back}">Cancel', page.text)
        answer = await self.browser.post(
            f"/admin/employee/{ada.id}/suspend", data={"next": "https://evil.example/"}
        )
        self.assertEqual(answer.headers["location"], "/admin/employee/list")

    async def test_nobody_else_is_asked_about(self) -> None:
        ada = await self.new_employee()
        hers, stranger = await self.browser_of(ada), await self.client()
        for verb in ("suspend", "reactivate"):
            path = f"/admin/employee/{ada.id}/{verb}"
            self.assertEqual((await hers.get(path)).status_code, 403)
            self.assertEqual((await stranger.get(path)).status_code, 303)
            for odd in (self.boss.id, 0, 10**6, 2**63, "9" * 400):
                async with self.nothing_changes():
                    for method in ("GET", "POST"):
                        answer = await self.browser.request(method, f"/admin/employee/{odd}/{verb}")
                        self.assertEqual(answer.status_code, 404, odd)


class Undo(EmployeesTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")
        self.path = f"/admin/employee/{self.ada.id}"

    async def assert_stays(self, sentence: str) -> None:
        """Undo changes nothing, and the employee's page says why."""
        async with self.nothing_changes():
            answer = await self.browser.post(f"{self.path}/undo")
        self.assertEqual(answer.headers["location"], f"/admin/employee/details/{self.ada.id}")
        self.assertIn(sentence, (await self.details(self.ada)).text)

    async def test_a_suspension_is_taken_back_without_a_reason(self) -> None:
        ticket = await self.new_ticket(self.ada)
        for here in ("/admin/employee/list?q=ada", f"/admin/employee/details/{self.ada.id}"):
            await self.browser.post(f"{self.path}/suspend", data={"next": here})
            page = await self.browser.get(here)
            self.assertIn("Ada is suspended.", page.text)
            self.assertIn(f'<form method="post" action="{self.path}/undo">', page.text)
            answer = await self.browser.post(f"{self.path}/undo", data={"next": here})
            self.assertEqual((answer.status_code, answer.headers["location"]), (303, here))
            page = await self.browser.get(here)
            self.assertIn("Ada is active again.", page.text)
            self.assertNotIn(f"{self.path}/undo", page.text)
            self.assertFalse(await self.is_suspended(self.ada))
            self.assertEqual((await self.ticket(ticket, seen_by=self.boss)).id, ticket)
            event = await self.last_event()
            self.assertEqual(
                (event.action, event.actor_id, event.user_id, event.details),
                ("user.reactivated", self.boss.id, self.ada.id, {"reason": None}),
            )

    async def test_not_where_another_employer_has_acted_since(self) -> None:
        other = await self.new_employer("Omar")
        await self.browser.post(f"{self.path}/suspend")
        await (await self.browser_of(other)).post(f"{self.path}/reactivate")
        await self.assert_stays("Ada is not suspended.")
        await self.suspend(self.ada, by=other)
        await self.assert_stays("The suspension of Ada was not undone")

    async def test_nor_after_some_minutes(self) -> None:
        await self.browser.post(f"{self.path}/suspend")
        with patch("expenses.users.queries.UNDO_PERIOD", timedelta()):
            await self.assert_stays("The suspension of Ada was not undone")

    async def test_nor_by_anyone_else(self) -> None:
        await self.suspend(self.ada, by=self.boss)
        employee, stranger = await self.browser_of(await self.new_employee()), await self.client()
        for browser, status in ((employee, 403), (stranger, 303)):
            async with self.nothing_changes():
                answer = await browser.post(f"{self.path}/undo")
            self.assertEqual(answer.status_code, status)
        for odd in (self.boss.id, 0, 2**63):
            async with self.nothing_changes():
                answer = await self.browser.post(f"/admin/employee/{odd}/undo")
            self.assertEqual(answer.status_code, 404)


class Details(EmployeesTestCase):
    async def test_they_show_the_latest_tickets_and_where_all_are(self) -> None:
        ada = await self.new_employee("Ada")
        tickets = [await self.new_ticket(ada) for _ in range(3)]
        with patch("expenses.console.employees.LATEST_TICKETS", 2):
            page = await self.details(ada)
        found = re.findall(r'<tr data-ticket="(\d+)"', page.text)
        self.assertEqual(found, [str(tickets[2]), str(tickets[1])])
        email = ada.email.replace("@", "%40")
        self.assertIn(f'href="/admin/ticket/list?employee={email}&amp;status=all"', page.text)
        self.assertIn('<span class="count">3</span>', page.text)

    async def test_they_tell_what_the_person_did_and_what_was_done_to_them(self) -> None:
        ada = await self.new_employee("Ada")
        ticket = await self.new_ticket(ada)
        await self.new_ticket(await self.new_employee("Ben"))
        await self.browser.post(f"/admin/employee/{ada.id}/suspend", data={"reason": "On leave"})
        await self.reactivate(ada)
        page = await self.details(ada)
        events = await self.events()
        on_account = [event.id for event in events if event.user_id == ada.id]
        deeds = [event.id for event in events if event.actor_id == ada.id and not event.user_id]
        found = re.findall(r'<li data-event="(\d+)"', page.text)
        self.assertEqual(found, [str(number) for number in on_account[::-1] + deeds[::-1]])
        for text in (
            "reactivated",
            "suspended",
            "On leave",
            f">ticket {ticket}<",
            "as an employee",
        ):
            self.assertIn(text, page.text)
        for name in ("actor", "user"):
            address = re.search(rf'href="(/admin/history\?{name}=[^"]+)"', page.text)
            assert address is not None
            self.assertEqual((await self.browser.get(address[1])).status_code, 200)

    async def test_the_history_stops_at_the_latest(self) -> None:
        ada = await self.new_employee("Ada")
        for _ in range(3):
            await self.new_ticket(ada)
        with patch("expenses.console.employees.LATEST_EVENTS", 2):
            page = await self.details(ada)
        # And the registration, which is about the account.
        self.assertEqual(page.text.count("<li data-event"), 2 + 1)
        self.assertIn("Only the latest 2 are shown", page.text)

    async def test_of_a_suspended_one_they_say_how_many_tickets_are_hidden(self) -> None:
        ada = await self.new_employee("Ada")
        tickets = [await self.new_ticket(ada, description="A secret trip") for _ in range(2)]
        await self.approve(tickets[0], by=self.boss)
        await self.suspend(ada, by=self.boss)
        page = await self.details(ada)
        self.assertIn("2 tickets are hidden", page.text)
        self.assertIn(f'href="/admin/employee/{ada.id}/reactivate', page.text)
        for text in ("A secret trip", "/admin/ticket/details", "/admin/ticket/list?employee"):
            self.assertNotIn(text, page.text)

    async def test_they_take_the_same_statements_however_much_there_is(self) -> None:
        ada = await self.new_employee("Ada")
        with self.counted_statements() as few:
            await self.details(ada)
        for _ in range(5):
            await self.approve(await self.new_ticket(ada), by=self.boss)
        with self.counted_statements() as many:
            await self.details(ada)
        self.assertEqual((len(few), len(many)), (8, 8))


class OddNames(EmployeesTestCase):
    async def test_they_are_shown_as_they_are_and_as_nothing_else(self) -> None:
        names = ("X", "مريم البكري", "w" * 80, '<b onclick="x">&amp;</b>', "50% off", "%(count)s")
        for name in names:
            ada = await self.new_employee(name)
            escaped = f"<bdi>{escape(name)}</bdi>"
            await self.new_ticket(ada)
            for path in ("list", f"details/{ada.id}", f"{ada.id}/suspend"):
                page = await self.browser.get(f"/admin/employee/{path}")
                self.assertEqual(page.status_code, 200)
                self.assertIn(escaped, page.text)
                self.assertNotIn("<b onclick", page.text)
            await self.browser.post(f"/admin/employee/{ada.id}/suspend")
            self.assertTrue(await self.is_suspended(ada))
            page = await self.browser.get(f"/admin/employee/{ada.id}/reactivate")
            self.assertIn(escaped, page.text)
            self.assertIn(escaped, (await self.browser.get("/admin/history")).text)
