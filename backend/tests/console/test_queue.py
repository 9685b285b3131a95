"""The list of tickets as a queue: filters, orders, totals, hints, and what the pages name."""

import re
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

import httpx
from sqlalchemy import insert

from expenses.i18n.formats import Formats
from expenses.tickets.models import Category, Ticket
from expenses.users.queries import UserView
from expenses.web.pages.words import INPUTS
from tests.harness import AppTestCase, usual_settings


def shown(page: httpx.Response) -> list[int]:
    """The tickets of a list, in their order."""
    return [int(number) for number in re.findall(r'<tr data-ticket="(\d+)"', page.text)]


def tabs(page: httpx.Response) -> list[str]:
    return re.findall(r'<span class="count">([^<]+)</span>', page.text)


def link(page: httpx.Response, relation: str) -> str:
    found = re.search(rf'rel="{relation}" href="([^"]+)"', page.text)
    assert found is not None, relation
    return found[1].replace("&amp;", "&")


class QueueTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss = await self.new_employer("Dana")
        self.browser = await self.browser_of(self.boss)

    async def listing(self, **query: Any) -> httpx.Response:
        page = await self.browser.get("/admin/ticket/list", params=query)
        self.assertEqual(page.status_code, 200)
        return page

    async def found(self, **query: Any) -> list[int]:
        """What the list finds, and, with the same question, the API."""
        in_console = shown(await self.listing(**query))
        api_query = {name: value for name, value in query.items() if value != "all"}
        api_query.setdefault("sort", "filed" if query.get("status") == "pending" else "-filed")
        answer = await self.browser.get("/api/tickets", params=api_query)
        self.assertEqual([ticket["id"] for ticket in answer.json()["items"]], in_console)
        return in_console

    async def one_of_each(self, owner: UserView) -> tuple[int, int, int, int]:
        pending, approved, denied, withdrawn = [await self.new_ticket(owner) for _ in range(4)]
        await self.approve(approved, by=self.boss)
        await self.deny(denied, by=self.boss, reason="No receipt")
        await self.withdraw(withdrawn, by=owner)
        return pending, approved, denied, withdrawn


class Tabs(QueueTestCase):
    async def test_it_opens_on_what_is_pending_the_oldest_first(self) -> None:
        ada = await self.new_employee()
        first, *_ = await self.one_of_each(ada)
        second = await self.new_ticket(ada)
        page = await self.listing()
        self.assertEqual(shown(page), [first, second])
        self.assertEqual(tabs(page), ["2", "1", "1", "0", "1", "1", "5"])

    async def test_each_tab_has_its_tickets_and_a_decided_one_says_who_when_and_why(self) -> None:
        pending, approved, denied, withdrawn = await self.one_of_each(await self.new_employee())
        for status, tickets in (
            ("pending", [pending]),
            ("approved", [approved]),
            ("denied", [denied]),
            ("withdrawn", [withdrawn]),
            ("all", [withdrawn, denied, approved, pending]),
        ):
            self.assertEqual(await self.found(status=status), tickets)
        page = await self.listing(status="denied")
        for text in ("Dana", "No receipt", str(usual_settings().today().year)):
            self.assertIn(text, page.text)

    async def test_approved_tickets_are_due_until_they_are_paid(self) -> None:
        ada = await self.new_employee()
        paid = await self.new_due_ticket(ada, by=self.boss, amount="10.00")
        run = await self.new_run(by=self.boss)
        await self.confirm(run, by=self.boss)
        await self.pay(run, by=self.boss)
        due = await self.new_due_ticket(ada, by=self.boss, amount="2.50")
        for query in ({}, {"q": "lunch"}):
            for status, tickets, total in (
                ("due", [due], "$2.50"),
                ("paid", [paid], "$10.00"),
                ("approved", [due, paid], "$12.50"),
            ):
                page = await self.listing(status=status, **query)
                self.assertEqual(shown(page), tickets)
                self.assertEqual(tabs(page), ["0", "2", "1", "1", "0", "0", "2"])
                self.assertIn(f'<span class="sum">{total}</span>', page.text)
        self.assertEqual(shown(await self.listing(payment="paid")), [paid])
        today = Formats(usual_settings(), "en").day(usual_settings().today())
        self.assertIn(f"Paid {today}", (await self.listing(status="paid")).text)
        page = await self.browser.get(f"/admin/ticket/details/{paid}")
        self.assertIn(f'<a href="/admin/payments/{run}">Payment run', page.text)
        self.assertNotIn("Reopen this ticket", page.text)
        page = await self.browser.get(f"/admin/ticket/details/{due}")
        self.assertIn("Waiting for payment", page.text)

    async def test_counts_and_totals_stop_where_counting_would_cost_more_and_more(self) -> None:
        ada = await self.new_employee()
        for _ in range(4):
            await self.new_ticket(ada)
        with (patch("expenses.tickets.counts.COUNT_LIMIT", 3),):
            page = await self.listing()
        self.assertEqual(tabs(page), ["3+", *"00000", "3+"])
        self.assertIn("At least 4 tickets match", page.text)
        self.assertNotIn("$50.00", page.text)

    async def test_what_nobody_waits_for_is_counted_in_full_where_it_is_listed(self) -> None:
        ada = await self.new_employee()
        for _ in range(3):
            await self.deny(await self.new_ticket(ada, amount="2.00"), by=self.boss)
        await self.new_due_ticket(ada, by=self.boss)
        with patch("expenses.tickets.counts.SETTLED_COUNT_LIMIT", 2):
            page = await self.listing(status="pending")
            self.assertEqual(tabs(page), ["0", "1", "1", "0", "2+", "0", "3+"])
            page = await self.listing(status="denied")
            self.assertEqual(tabs(page), ["0", "1", "1", "0", "3", "0", "4"])
            self.assertIn('<span class="sum">$6.00</span>', page.text)
            page = await self.listing(status="all")
            self.assertEqual(tabs(page), ["0", "1", "1", "0", "2+", "0", "4"])
            self.assertIn("4 tickets: ", page.text)

    async def test_a_search_is_counted_as_far_as_it_is_cheap_and_says_no_more(self) -> None:
        ada = await self.new_employee()
        for amount in ("1.00", "2.00", "4.00"):
            await self.new_ticket(ada, description="Train to Turin", amount=amount)
        await self.withdraw(await self.new_ticket(ada, description="No train"), by=ada)
        page = await self.listing(status="pending", q="train")
        self.assertEqual(tabs(page), ["3", *"0000", "1", "4"])
        self.assertIn("3 tickets: ", page.text)
        self.assertIn("$7.00", page.text)
        page = await self.listing(status="all", q="train")
        self.assertIn("4 tickets: ", page.text)
        with patch("expenses.tickets.counts.SEARCH_COUNT_LIMIT", 2):
            page = await self.listing(status="pending", q="train")
        # Only the latest three were read, and one of them was withdrawn.
        self.assertEqual(tabs(page), ["2+", "0+", "0+", "0+", "0+", "1+", "3+"])
        self.assertIn("At least 3 tickets match", page.text)
        self.assertNotIn("$7.00", page.text)
        self.assertEqual(len(shown(page)), 3)
        with patch("expenses.tickets.counts.SEARCH_COUNT_LIMIT", 0):
            page = await self.listing(status="pending", q="train")
        self.assertIn("At least 3 tickets match", page.text)

    async def test_a_filter_is_counted_by_its_latest_tickets_where_it_has_too_many(self) -> None:
        ada = await self.new_employee()
        for amount in ("1.00", "2.00", "4.00"):
            await self.new_ticket(ada, category="training", amount=amount)
        for query in ({"category": "training"}, {"min": "1", "max": "4"}, {"from": "2020-01-01"}):
            with self.subTest(**query):
                page = await self.listing(status="pending", **query)
                self.assertEqual(tabs(page), ["3", *"00000", "3"])
                self.assertIn("$7.00", page.text)
                with patch("expenses.tickets.counts.FILTER_COUNT_LIMIT", 2):
                    page = await self.listing(status="pending", **query)
                self.assertEqual(tabs(page), ["3+", *["0+"] * 5, "3+"])
                self.assertNotIn("$7.00", page.text)

    async def test_the_list_takes_the_same_statements_however_long_it_is(self) -> None:
        ada = await self.new_employee()
        await self.new_ticket(ada)
        with self.counted_statements() as few:
            await self.listing(status="all", q="lunch")
        for _ in range(30):
            await self.new_ticket(await self.new_employee())
        with self.counted_statements() as many:
            page = await self.listing(status="all", q="lunch")
        self.assertEqual(len(shown(page)), 31)
        self.assertEqual(len(few), len(many))
        self.assertLessEqual(len(many), 10)

    async def test_no_tickets_at_all_is_no_blank_page(self) -> None:
        self.assertIn("Nothing is waiting", (await self.listing()).text)
        self.assertIn("No tickets here yet", (await self.listing(status="denied")).text)
        self.assertIn("Nothing matches", (await self.listing(q="yacht")).text)


class Size(QueueTestCase):
    """Before compression, in bytes."""

    async def test_a_full_page_and_the_answer_to_a_decision_are_small(self) -> None:
        ada = await self.new_employee("Ada Lovelace")
        tickets = [
            await self.new_ticket(ada, amount=number, links=[], description="Train to Turin " * 4)
            for number in range(1, 51)
        ]
        page = await self.listing()
        self.assertEqual(shown(page), tickets)
        self.assertLess(len(page.content), 85_000)
        answer = await self.browser.post(
            f"/admin/ticket/{tickets[0]}/approve",
            data={"next": "/admin/ticket/list"},
            headers={"X-Fragment": "row"},
        )
        self.assertEqual(shown(answer), tickets[:1])
        self.assertLess(len(answer.content), 4_000)


class Filters(QueueTestCase):
    async def test_a_search_finds_text_links_numbers_and_people(self) -> None:
        ada, ben = await self.new_employee("Ada Lovelace"), await self.new_employee("Ben")
        hers = await self.new_ticket(ada, description="Train to Turin", links=[])
        his = await self.new_ticket(ben, description="50% off_season", links=[])
        linked = await self.new_ticket(ben, links=["https://shop.example.com/Order-77"])
        for text, tickets in (
            ("train", [hers]),
            ("TURIN", [hers]),
            ("lovelace", [hers]),
            (ada.email, [hers]),
            (ben.email.upper(), [his, linked]),
            ("order-77", [linked]),
            (str(hers), [hers]),
            (f"#{his}", [his]),
            ("0% off_", [his]),
            ("%", [his]),
            ("_", [his]),
            ("\\", []),
            ("n_t", []),
            ("9" * 30, []),
            ("'; DROP TABLE tickets; --", []),
        ):
            with self.subTest(text=text):
                self.assertEqual(await self.found(status="pending", q=text), tickets)

    async def test_every_filter_and_all_of_them_together(self) -> None:
        ada, ben = await self.new_employee("Ada"), await self.new_employee("Ben")
        today = usual_settings().today()
        days = [(today - timedelta(days=days)).isoformat() for days in (0, 10, 20)]
        small = await self.new_ticket(ada, amount="5.00", spent_on=days[0], category="meals")
        large = await self.new_ticket(ada, amount="500.00", spent_on=days[1], category="travel")
        euros = await self.new_ticket(
            ben, amount="50.00", spent_on=days[2], category="travel", currency="EUR"
        )
        for query, tickets in (
            ({"employee": "ada"}, [small, large]),
            ({"employee": ben.email}, [euros]),
            ({"employee": str(ben.id)}, [euros]),
            ({"category": "travel"}, [large, euros]),
            ({"currency": "EUR"}, [euros]),
            ({"from": days[1]}, [small, large]),
            ({"to": days[1]}, [large, euros]),
            ({"from": days[1], "to": days[1]}, [large]),
            ({"min": "50"}, [large, euros]),
            ({"max": "50.00"}, [small, euros]),
            ({"min": "50", "max": "50"}, [euros]),
            (
                {
                    "q": "lunch",
                    "employee": "Ada",
                    "category": "travel",
                    "from": days[2],
                    "to": days[0],
                    "min": "1",
                    "max": "1000",
                    "currency": "USD",
                },
                [large],
            ),
        ):
            with self.subTest(query=query):
                self.assertEqual(await self.found(status="pending", **query), tickets)

    async def test_amounts_and_dates_are_taken_as_people_type_them(self) -> None:
        ada = await self.new_employee()
        first = await self.new_ticket(ada, amount="5.00", spent_on="2026-11-01")
        second = await self.new_ticket(ada, amount="50.00", spent_on="2026-11-20")
        for query, tickets in (
            ({"min": "50,00"}, [second]),
            ({"max": "$ 5", "currency": "USD"}, [first]),
            ({"from": "2.11.2026"}, [second]),
            ({"to": "2026/11/2"}, [first]),
        ):
            with self.subTest(query=query):
                self.assertEqual(shown(await self.listing(**query)), tickets)

    async def test_empty_inputs_of_the_form_are_no_filters(self) -> None:
        ticket = await self.new_ticket(await self.new_employee())
        names = ("q", "employee", "category", "from", "to", "min", "max", "currency", "sort")
        self.assertEqual(shown(await self.listing(**dict.fromkeys(names, ""))), [ticket])

    async def test_what_cannot_be_read_is_said_and_nothing_is_shown(self) -> None:
        ticket = await self.new_ticket(await self.new_employee("Twin"))
        await self.call_alike(await self.new_employee(), "Twin")
        for name, value in (
            ("q", "x" * 201),
            ("q", "\0"),
            ("employee", "nobody"),
            ("employee", "Twin"),
            ("employee", "\0"),
            ("category", "yacht"),
            ("from", "yesterday"),
            ("to", "2026-02-30"),
            ("min", "a lot"),
            ("max", "-1"),
            ("max", "1e99"),
            ("currency", "XXX"),
            ("sort", "colour"),
            ("status", "lost"),
            ("cursor", "x"),
        ):
            with self.subTest(name=name, value=value):
                page = await self.browser.get("/admin/ticket/list", params={name: value})
                self.assertEqual(page.status_code, 422)
                self.assertIn(f"<li>{INPUTS[name]}:", page.text)
                # The menu of filters lies over the alert, and opens only for a field of its own.
                is_open = '<details class="menu" id="filters" open>' in page.text
                self.assertEqual(is_open, name not in ("q", "status", "cursor"))
                self.assertNotIn(f'data-ticket="{ticket}"', page.text)
                answer = await self.browser.get("/api/tickets", params={name: value})
                body = self.assert_problem(answer, 422, "invalid-input")
                self.assertEqual([error["field"] for error in body["errors"]], [name])
        for query, name in (
            ({"from": "2026-02-02", "to": "2026-02-01"}, "to"),
            ({"min": "2", "max": "1"}, "max"),
        ):
            page = await self.browser.get("/admin/ticket/list", params=query)
            self.assertIn(f"<li>{INPUTS[name]}:", page.text)

    async def test_where_a_tab_has_no_match_it_offers_those_that_have_and_all(self) -> None:
        ada = await self.new_employee("Ada")
        await self.one_of_each(ada)
        train = await self.new_ticket(ada, description="Train")
        await self.deny(train, by=self.boss)
        page = await self.listing(q="train", sort="amount")
        offers = re.findall(
            r'<a class="btn" href="([^"]+)">([^<]+)', page.text.partition("Nothing matches")[2]
        )
        listed = "/admin/ticket/list?q=train&amp;status="
        self.assertEqual(
            [(address, " ".join(text.split())) for address, text in offers],
            [
                (f"{listed}denied", "Denied"),
                (f"{listed}all", "Search all tabs"),
                ("/admin/ticket/list?status=pending", "Clear the filters"),
            ],
        )
        for address, _ in offers[:2]:
            self.assertEqual(shown(await self.browser.get(address.replace("&amp;", "&"))), [train])
        # Nothing to offer where no tab has any.
        for status in ("pending", "all"):
            page = await self.listing(q="boat", status=status)
            self.assertIn("No ticket in any status matches.", page.text)
            self.assertNotIn("Search all tabs", page.text)

    async def test_employees_find_only_their_own(self) -> None:
        ada, ben = await self.new_employee("Ada"), await self.new_employee("Ben")
        hers = await self.new_ticket(ada, description="Train to Turin")
        await self.new_ticket(ben, description="Train to Turin")
        api = await self.program_of(ada)
        for query in ({"q": "turin"}, {"employee": "Ada"}, {"q": "lunch"}, {"q": "Ben"}):
            items = (await api.get("/api/tickets", params=query)).json()["items"]
            self.assertIn([ticket["id"] for ticket in items], ([hers], []))
        answer = await api.get("/api/tickets", params={"employee": "Ben"})
        self.assert_problem(answer, 422, "invalid-input")


class Orders(QueueTestCase):
    async def test_every_order_both_ways_and_page_by_page(self) -> None:
        ada = await self.new_employee()
        today = usual_settings().today()
        made = []
        for days, amount in ((3, "5.00"), (1, "20.00"), (3, "5.00"), (2, "1.00"), (1, "20.00")):
            day = today - timedelta(days=days)
            ticket = await self.new_ticket(ada, spent_on=day.isoformat(), amount=amount)
            made.append((ticket, day, float(amount)))
        orders: dict[str, Any] = {
            "filed": lambda row: row[0],
            "date": lambda row: (row[1], row[0]),
            "amount": lambda row: (row[2], row[0]),
        }
        for name, key in orders.items():
            for sort in (name, f"-{name}"):
                expected = [row[0] for row in sorted(made, key=key, reverse=sort != name)]
                with self.subTest(sort=sort), patch("expenses.console.desk.PAGE_SIZE", 2):
                    self.assertEqual(await self._walk(sort), expected)

    async def _walk(self, sort: str) -> list[int]:
        """Forward to the end and back to the beginning."""
        page = await self.listing(sort=sort)
        pages = [shown(page)]
        while 'rel="next"' in page.text:
            page = await self.browser.get(link(page, "next"))
            pages.append(shown(page))
        back = [shown(page)]
        while 'rel="prev"' in page.text:
            page = await self.browser.get(link(page, "prev"))
            back.append(shown(page))
        self.assertEqual(pages, back[::-1])
        return [ticket for tickets in pages for ticket in tickets]

    async def test_a_cursor_of_another_order_is_refused(self) -> None:
        ada = await self.new_employee()
        for _ in range(3):
            await self.new_ticket(ada)
        cursor = (await self.browser.get("/api/tickets?limit=1&sort=amount")).json()["next"]
        answer = await self.browser.get(f"/api/tickets?sort=date&cursor={cursor}")
        self.assert_problem(answer, 422, "invalid-input")


class Totals(QueueTestCase):
    async def test_currencies_are_never_mixed(self) -> None:
        ada = await self.new_employee()
        for amount, currency in (("10.10", "USD"), ("0.20", "USD"), ("7.00", "EUR")):
            await self.new_ticket(ada, amount=amount, currency=currency)
        page = await self.listing()
        for text in ("3 tickets", "$10.30", "€7.00"):
            self.assertIn(text, page.text)
        page = await self.listing(currency="EUR")
        self.assertIn("1 ticket:", page.text)
        self.assertNotIn("$10.30", page.text)

    async def test_a_suspended_employee_counts_nowhere(self) -> None:
        ada = await self.new_employee()
        await self.new_ticket(ada, amount="99.00")
        await self.suspend(ada, by=self.boss)
        page = await self.listing(status="all")
        self.assertEqual(tabs(page), ["0"] * 7)
        self.assertNotIn("$99.00", page.text)


class Hints(QueueTestCase):
    async def test_a_likely_duplicate_names_the_other_ticket(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        first = await self.new_ticket(ada, links=["https://example.com/a"])
        same = await self.new_ticket(ada, links=[])
        linked = await self.new_ticket(ben, amount="1.00", links=["https://example.com/a"])
        alone = await self.new_ticket(ben, amount="2.00", links=["https://example.com/b"])
        page = await self.listing()
        for ticket, hints in (
            (first, [("Same employee, amount and date as", same), ("Shares a link with", linked)]),
            (same, [("Same employee, amount and date as", first)]),
            (linked, [("Shares a link with", first)]),
            (alone, []),
        ):
            row = page.text.partition(f'data-ticket="{ticket}"')[2].partition("</tr>")[0]
            self.assertEqual(self._hints(row), hints)
            details = await self.browser.get(
                f"/admin/ticket/details/{ticket}", headers={"X-Fragment": "ticket"}
            )
            self.assertEqual(self._hints(details.text), hints)

    async def test_withdrawn_and_hidden_tickets_are_nobodys_duplicate(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        await self.new_ticket(ada, links=[])
        withdrawn = await self.new_ticket(ada, links=["https://example.com/a"])
        await self.withdraw(withdrawn, by=ada)
        hidden = await self.new_ticket(ben, links=["https://example.com/a"])
        self.assertIn("Same", (await self.listing(status="all")).text + "Same")
        await self.suspend(ben, by=self.boss)
        page = await self.listing(status="all")
        self.assertEqual(self._hints(page.text), [])
        self.assertNotIn(str(hidden), shown(page))

    async def test_a_link_that_hundreds_share_hides_no_other_duplicate(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        shop, receipt = "https://shop.example/", "https://shop.example/receipts/1"
        async with self.database.transaction() as connection:
            await connection.execute(
                insert(Ticket),
                [
                    {
                        "owner_id": ben.id,
                        "spent_on": date(2026, 1, 1),
                        "amount": number,
                        "currency": "EUR",
                        "category": Category.OTHER,
                        "description": "Pencils",
                        "links": [shop],
                    }
                    for number in range(1, 550)
                ],
            )
        few = await self.new_ticket(ada, amount="7.00", links=[receipt])
        many = await self.new_ticket(ben, amount="8.00", links=[shop, receipt])
        page = await self.listing(sort="-filed")
        rows = {
            ticket: page.text.partition(f'data-ticket="{ticket}"')[2].partition("</tr>")[0]
            for ticket in (few, many)
        }
        self.assertEqual(self._hints(rows[few]), [("Shares a link with", many)])
        self.assertEqual(len(self._hints(rows[many])), 3)

    def _hints(self, html: str) -> list[tuple[str, int]]:
        found = re.findall(r'class="hint">\s*([^<]*?)\s*<a href="/admin/ticket/details/(\d+)', html)
        return [(text, int(number)) for text, number in found]


class Details(QueueTestCase):
    async def test_next_and_previous_follow_the_question_of_the_list(self) -> None:
        ada, ben = await self.new_employee("Ada"), await self.new_employee("Ben")
        first, other, second, third = [
            await self.new_ticket(owner) for owner in (ada, ben, ada, ada)
        ]
        page = await self.listing(employee="Ada")
        self.assertIn(f"/admin/ticket/details/{second}?employee=Ada", page.text)
        page = await self.browser.get(f"/admin/ticket/details/{second}?employee=Ada")
        self.assertIn(f"details/{first}?employee=Ada", link(page, "prev"))
        self.assertIn(f"details/{third}?employee=Ada", link(page, "next"))
        page = await self.browser.get(f"/admin/ticket/details/{first}")
        self.assertIn(f"details/{other}", link(page, "next"))
        self.assertNotIn('rel="prev"', page.text)

    async def test_a_decision_goes_on_to_the_next(self) -> None:
        ada = await self.new_employee()
        first, second = await self.new_ticket(ada), await self.new_ticket(ada)
        page = await self.browser.get(f"/admin/ticket/details/{first}?q=lunch")
        main = page.text.partition("<footer")[0]
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', main))
        answer = await self.browser.post(f"/admin/ticket/{first}/approve?q=lunch", data=form)
        self.assertEqual(answer.headers["location"], f"/admin/ticket/details/{second}?q=lunch")

    async def test_the_last_reasons_are_offered(self) -> None:
        ada = await self.new_employee()
        for reason in ("No receipt", "Not a business trip", "No receipt"):
            await self.deny(await self.new_ticket(ada), by=self.boss, reason=reason)
        await self.new_ticket(ada)
        page = await self.listing()
        offered = re.findall(r'value="([^"]+)" data-reason>', page.text)
        self.assertEqual(offered, ["No receipt", "Not a business trip"])


class Reopen(QueueTestCase):
    async def test_a_reopened_ticket_is_pending_again_and_the_history_keeps_it_all(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        await self.deny(ticket, by=self.boss, reason="No receipt")
        page = await self.browser.get(f"/admin/ticket/details/{ticket}?status=denied")
        self.assertIn(f'action="/admin/ticket/{ticket}/reopen', page.text)
        async with self.nothing_changes():
            page = await self.browser.post(f"/admin/ticket/{ticket}/reopen", data={"reason": " "})
        self.assertEqual(page.status_code, 422)
        await self.browser.post(
            f"/admin/ticket/{ticket}/reopen", data={"reason": "The receipt came"}
        )
        view = await self.ticket(ticket, seen_by=ada)
        self.assertEqual((view.status, view.decided_by_id), ("pending", None))
        self.assertIsNone(view.decision_reason)
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.details),
            ("ticket.reopened", {"reason": "The receipt came", "undone": "denied"}),
        )
        page = await self.browser.get(f"/admin/ticket/details/{ticket}")
        for text in ("No receipt", "The receipt came", "Reopened"):
            self.assertIn(text, page.text)

    async def test_what_is_not_decided_cannot_be_reopened(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        async with self.nothing_changes():
            page = await self.browser.post(f"/admin/ticket/{ticket}/reopen", data={"reason": "x"})
            answer = await self.browser.post(f"/api/tickets/{ticket}/reopen", json={"reason": "x"})
        self.assertEqual(page.status_code, 409)
        self.assert_problem(answer, 409, "not-decided")
        api = await self.program_of(ada)
        await self.approve(ticket, by=self.boss)
        async with self.nothing_changes():
            answer = await api.post(f"/api/tickets/{ticket}/reopen", json={"reason": "x"})
        self.assert_problem(answer, 403, "forbidden")
        answer = await self.browser.post(f"/api/tickets/{ticket}/reopen", json={"reason": "x"})
        self.assertEqual(answer.json()["status"], "pending")


class Seen(QueueTestCase):
    async def test_nobody_approves_an_amount_they_have_not_seen(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada, amount="10.00")
        seen = (await self.ticket(ticket, seen_by=ada)).updated_at - timedelta(seconds=1)
        for verb in ("approve", "deny"):
            async with self.nothing_changes():
                page = await self.browser.post(
                    f"/admin/ticket/{ticket}/{verb}",
                    data={"seen": seen.isoformat(), "reason": "x"},
                )
            self.assertEqual(page.status_code, 409)
            self.assertIn("has changed since you saw it", page.text)
