"""An employee's pages: the list, the form for a new ticket, a ticket's page."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from unittest.mock import patch

import httpx
from sqlalchemy import select

from expenses.users.models import User
from expenses.users.queries import UserView
from tests.console.test_export import csv_rows, split
from tests.harness import (
    AppTestCase,
    CommittingTestCase,
    make_settings,
    ticket_json,
    usual_settings,
)


def form_of(page: httpx.Response) -> dict[str, str]:
    """What the form on the page would send as it stands."""
    html = page.text
    values = {
        name: value
        for tag in re.findall(r"<input[^>]*>", html)
        if (name := attribute(tag, "name")) is not None
        for value in [attribute(tag, "value") or ""]
    }
    for name, text in re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>([^<]*)</textarea>', html):
        values[name] = unescape(text)
    return values


def focused(page: httpx.Response) -> list[str | None]:
    return [attribute(tag, "name") for tag in re.findall(r"<[^>]* autofocus[^>]*>", page.text)]


def buttons(page: httpx.Response) -> list[str]:
    return [text.strip() for text in re.findall(r"<button[^>]*>([^<]*)</button>", page.text)]


def rows(page: httpx.Response) -> list[int]:
    return [
        int(number)
        for number in re.findall(r'class="description" href="/tickets/(\d+)"', page.text)
    ]


def way(page: httpx.Response, relation: str) -> str:
    found = re.search(rf'rel="{relation}" href="([^"]+)"', page.text)
    assert found is not None
    return unescape(found[1])


def figures(page: httpx.Response) -> dict[str, list[str]]:
    """The sums above the list, by their names."""
    found = re.findall(r"<dt>([^<]*)</dt>\s*<dd>(.*?)</dd>", page.text, re.DOTALL)
    return {name: re.findall(r'class="sum">([^<]+)<', sums) for name, sums in found}


def months(page: httpx.Response) -> list[tuple[str, list[str]]]:
    """The months that head the rows, with their sums."""
    heads = re.findall(
        r'scope="rowgroup">([^<]*?)\s*(<span class="sums">.*?)?</th>', page.text, re.DOTALL
    )
    return [(name, re.findall(r'class="sum">([^<]+)<', sums)) for name, sums in heads]


def month_start() -> datetime:
    return datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def attribute(tag: str, name: str) -> str | None:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return found and found[1]


def ticket_form(**fields: str) -> dict[str, str]:
    ticket = ticket_json()
    return (
        {name: ticket[name] for name in ("spent_on", "amount", "category", "description")}
        | {"currency": "USD", "links": "https://example.com/1\nhttps://example.com/2"}
        | fields
    )


class File(AppTestCase):
    async def test_a_ticket_is_filed_and_stands_on_top(self) -> None:
        ada = await self.new_employee()
        await self.new_ticket(ada, description="Older", amount="1.00")
        browser = await self.browser_of(ada)
        page = await browser.get("/tickets")
        self.assertNotIn("Taxi to the airport", page.text)
        answer = await browser.post(
            "/tickets", data=form_of(page) | ticket_form(description="Taxi to the airport")
        )
        event = await self.last_event()
        self.assertEqual(answer.status_code, 303)
        self.assertEqual(answer.headers["location"], f"/tickets?filed={event.ticket_id}")
        page = await browser.get(answer.headers["location"])
        self.assertLess(page.text.index("Taxi to the airport"), page.text.index("Older"))
        self.assertEqual(page.text.count('<tr class="fresh">'), 1)
        self.assertEqual((event.action, event.actor_id), ("ticket.created", ada.id))
        self.assertIn(f"Ticket {event.ticket_id} is filed", page.text)
        ticket = await self.ticket(event.ticket_id or 0, seen_by=ada)
        self.assertEqual(ticket.links, ["https://example.com/1", "https://example.com/2"])
        self.assertNotIn("is filed", (await browser.get("/tickets")).text)

    async def test_a_double_click_makes_one_ticket_and_the_next_form_another(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        form = form_of(await browser.get("/tickets")) | ticket_form()
        await browser.post("/tickets", data=form)
        async with self.nothing_changes():
            again = await browser.post("/tickets", data=form)
        self.assertEqual(again.status_code, 303)
        # After Back the same form may be sent with something else in it: that is meant.
        await browser.post("/tickets", data=form | {"amount": "13.00", "links": ""})
        next_form = form_of(await browser.get("/tickets")) | ticket_form()
        await browser.post("/tickets", data=next_form | {"confirm": "1"})
        self.assertEqual(len(await self.events("ticket.created")), 3)

    async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_is_kept(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        async with self.nothing_changes():
            page = await browser.post(
                "/tickets",
                data=ticket_form(
                    amount="a lot",
                    category="",
                    description="Dinner <b>with</b> Ben",
                    links="https://example.com/1\n\njavascript:alert(1)",
                ),
            )
        self.assertEqual(page.status_code, 422)
        wrong = set(re.findall(r'id="(\w+)-problem"', page.text))
        self.assertEqual(wrong, {"amount", "category", "links"})
        self.assertIn('value="a lot"', page.text)
        self.assertIn("Dinner &lt;b&gt;with&lt;/b&gt; Ben</textarea>", page.text)
        self.assertIn("javascript:alert(1)</textarea>", page.text)
        self.assertNotIn('href="javascript', page.text)
        self.assertIn("Link 2:", page.text)

    async def test_a_day_to_come_is_refused_at_its_field(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        async with self.nothing_changes():
            page = await browser.post("/tickets", data=ticket_form(spent_on="2999-01-01"))
        self.assertEqual(page.status_code, 422)
        self.assertIn('id="spent_on-problem"', page.text)

    async def test_the_form_is_ready_for_the_next_one(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        page = await browser.get("/tickets")
        self.assertEqual(focused(page), ["amount"])
        form = form_of(page)
        self.assertEqual(
            (form["spent_on"], form["amount"]), (self.settings.today().isoformat(), "")
        )
        # Elsewhere one looks for tickets, and the form is folded.
        self.assertEqual(focused(await browser.get("/tickets?q=taxi")), [])
        wrong = await browser.post("/tickets", data=ticket_form(category="", links="x"))
        self.assertEqual(focused(wrong), ["category"])

    async def test_dates_are_taken_as_people_type_them(self) -> None:
        ada = await self.new_employee()
        browser = await self.browser_of(ada)
        for typed in ("2.11.2026", "2 Nov 2026", "2026年11月2日", "2026/11/2"):
            form = ticket_form(spent_on=typed, description=typed, links="", confirm="1")
            await browser.post("/tickets", data=form)
            event = await self.last_event()
            self.assertEqual(event.details["description"], typed)
            self.assertEqual(event.details["spent_on"], "2026-11-02")
        for typed in ("11/02/2026", "2026-02-29", "soon"):
            async with self.nothing_changes():
                page = await browser.post("/tickets", data=ticket_form(spent_on=typed))
            self.assertEqual(page.status_code, 422)
            self.assertIn(f"“{typed}”", unescape(page.text))

    async def test_amounts_are_taken_as_people_type_them(self) -> None:
        ada = await self.new_employee()
        browser = await self.browser_of(ada)
        for typed, amount in (("12,50", "12.50"), ("1 200", "1200.00"), ("1.200,50", "1200.50")):
            with self.subTest(typed=typed):
                form = ticket_form(amount=typed, links="", key=typed)
                self.assertEqual((await browser.post("/tickets", data=form)).status_code, 303)
                event = await self.last_event()
                ticket = await self.ticket(event.ticket_id or 0, seen_by=ada)
                self.assertEqual(str(ticket.amount), amount)
        async with self.nothing_changes():
            page = await browser.post("/tickets", data=ticket_form(amount="1,200"))
        self.assertEqual(page.status_code, 422)
        self.assertIn("could mean two amounts. Write 1200", page.text)
        self.assertIn('value="1,200"', page.text)

    async def test_links_may_be_pasted_side_by_side(self) -> None:
        ada = await self.new_employee()
        browser = await self.browser_of(ada)
        links = "https://example.com/1 https://example.com/2\r\n\r\nhttps://example.com/3"
        await browser.post("/tickets", data=ticket_form(links=links))
        ticket = await self.ticket((await self.last_event()).ticket_id or 0, seen_by=ada)
        self.assertEqual(ticket.links, links.split())

    async def test_an_employer_files_nothing(self) -> None:
        await self.new_ticket(await self.new_employee(), description="A secret")
        browser = await self.browser_of(await self.new_employer())
        async with self.nothing_changes():
            for path in ("/tickets", "/tickets/draft", "/tickets/duplicates"):
                for form in (ticket_form(), ticket_form(amount="x"), {}):
                    with self.subTest(path=path, form=form):
                        answer = await browser.post(path, data=form)
                        self.assertEqual(answer.status_code, 403)
                        self.assertNotIn("A secret", answer.text)


class Duplicates(AppTestCase):
    async def test_one_is_named_before_it_is_filed_and_filed_when_confirmed(self) -> None:
        ada = await self.new_employee()
        first = await self.new_ticket(ada, description="The first")
        browser = await self.browser_of(ada)
        form = form_of(await browser.get("/tickets")) | ticket_form(description="The second")
        async with self.nothing_changes():
            page = await browser.post("/tickets", data=form)
        self.assertEqual(page.status_code, 200)
        self.assertIn(f"Ticket {first} has the same amount and date.", page.text)
        self.assertIn("File it anyway", buttons(page))
        self.assertIn("The second</textarea>", page.text)
        self.assertEqual(form_of(page)["key"], form["key"])
        answer = await browser.post("/tickets", data=ticket_form() | form_of(page))
        self.assertEqual(answer.status_code, 303)
        event = await self.last_event()
        self.assertEqual((event.action, event.actor_id), ("ticket.created", ada.id))
        ticket = await self.ticket(event.ticket_id or 0, seen_by=ada)
        self.assertEqual(ticket.description, "The second")

    async def test_a_shared_link_is_one_and_other_peoples_tickets_are_not(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        await self.new_ticket(ben, links=["https://example.com/1"])
        withdrawn = await self.new_ticket(ada, links=["https://example.com/1"])
        await self.withdraw(withdrawn, by=ada)
        browser = await self.browser_of(ada)
        shared = await self.new_ticket(ada, amount="7.00", links=["https://example.com/2"])
        async with self.nothing_changes():
            page = await browser.post("/tickets", data=ticket_form())
        self.assertIn(f"Ticket {shared} has one of these links.", page.text)
        self.assertNotIn(f"Ticket {withdrawn} has", page.text)
        answer = await browser.post("/tickets", data=ticket_form(links="https://example.com/1"))
        self.assertEqual(answer.status_code, 303)
        self.assertEqual((await self.last_event()).action, "ticket.created")

    async def test_what_is_wrong_is_said_before_anything_else(self) -> None:
        ada = await self.new_employee()
        await self.new_ticket(ada)
        browser = await self.browser_of(ada)
        async with self.nothing_changes():
            page = await browser.post("/tickets", data=ticket_form(category=""))
        self.assertEqual(page.status_code, 422)
        self.assertNotIn("File it anyway", buttons(page))

    async def test_a_script_asks_while_one_types(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        ticket = await self.new_ticket(ada, links=["https://example.com/1"])
        await self.new_ticket(ben)
        browser = await self.browser_of(ada)
        same = {"address": f"/tickets/{ticket}"}
        purchase = same | {"sentence": f"Ticket {ticket} has the same amount and date."}
        link = same | {"sentence": f"Ticket {ticket} has one of these links."}
        for form, hints in (
            (ticket_form(), [purchase]),
            (ticket_form(amount="12,5", description="", category=""), [purchase]),
            (ticket_form(amount="12,5x", links="https://example.com/1 and"), [link]),
            (ticket_form(amount="12.50", currency="EUR", links=""), []),
            (ticket_form(amount="13", links="https://example.com/1\0"), []),
            ({"links": "https://example.com/1"}, [link]),
            ({}, []),
        ):
            with self.subTest(form=form):
                async with self.nothing_changes():
                    answer = await browser.post("/tickets/duplicates", data=form)
                self.assertEqual(
                    (answer.status_code, answer.json()), (200, {"hints": hints, "receipt": ""})
                )


class Copy(AppTestCase):
    async def test_the_form_is_filled_in_with_todays_day(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada, description="One seat, monthly", amount="15.00")
        await self.withdraw(ticket, by=ada)
        browser = await self.browser_of(ada)
        self.assertIn(f'href="/tickets?copy={ticket}"', (await browser.get("/tickets")).text)
        self.assertIn(
            f'href="/tickets?copy={ticket}"', (await browser.get(f"/tickets/{ticket}")).text
        )
        async with self.nothing_changes():
            page = await browser.get(f"/tickets?copy={ticket}")
        form = form_of(page)
        self.assertEqual(form["spent_on"], self.settings.today().isoformat())
        self.assertEqual((form["amount"], form["description"]), ("15.00", "One seat, monthly"))
        self.assertEqual(form["links"], "https://receipts.example.com/1")
        self.assertRegex(page.text, 'value="meals" required checked')

    async def test_only_own_tickets_are_copied(self) -> None:
        ada, ben, boss = (
            await self.new_employee(),
            await self.new_employee(),
            await self.new_employer(),
        )
        ticket = await self.new_ticket(ada, description="A secret")
        browser = await self.browser_of(ben)
        for address in (f"/tickets?copy={ticket}", f"/tickets?copy={2**63}", "/tickets?copy=0"):
            page = await browser.get(address)
            self.assertEqual(page.status_code, 404)
            self.assertNotIn("A secret", page.text)
        self.assertEqual((await browser.get("/tickets?copy=x")).status_code, 422)
        answer = await (await self.browser_of(boss)).get(f"/tickets?copy={ticket}")
        self.assertEqual(answer.headers["location"], "/admin/")


class List(AppTestCase):
    async def test_only_own_tickets_with_status_and_reason(self) -> None:
        ada, ben, boss = (
            await self.new_employee(),
            await self.new_employee(),
            await self.new_employer("Dana"),
        )
        mine = await self.new_ticket(ada, description="Mine")
        await self.new_ticket(ben, description="Not mine")
        await self.deny(mine, by=boss, reason="The receipt cannot be read")
        page = await (await self.browser_of(ada)).get("/tickets")
        for text in ("Mine", "Denied", "The receipt cannot be read", "Dana"):
            self.assertIn(text, page.text)
        self.assertNotIn("Not mine", page.text)

    async def test_links_open_apart_and_text_stays_text(self) -> None:
        ada = await self.new_employee("<script>alert(1)</script>")
        await self.new_ticket(
            ada,
            description="<img src=x onerror=alert(1)>",
            links=['https://example.com/"onmouseover="alert(1)'],
        )
        page = await (await self.browser_of(ada)).get("/tickets")
        self.assertIn('target="_blank" rel="noopener noreferrer nofollow"', page.text)
        for hostile in ("<script>alert", "<img src=x", '"onmouseover="'):
            self.assertNotIn(hostile, page.text)

    async def test_each_shows_its_first_receipt_and_how_many_there_are(self) -> None:
        ada = await self.new_employee()
        ticket, _ = await self.new_ticket(ada), await self.new_ticket(ada)
        first = await self.new_receipt(ada, ticket)
        await self.new_receipt(ada, ticket)
        await self.new_receipt(ada)
        browser = await self.browser_of(ada)
        page = (await browser.get("/tickets")).text
        [picture] = re.findall(r'<img class="thumbnail" src="([^"]+)"', page)
        self.assertEqual(picture, f"/api/tickets/{ticket}/receipts/{first}/thumbnail")
        self.assertEqual((await browser.get(picture)).status_code, 200)
        self.assertIn("2 receipts", page)

    async def test_older_ones_are_a_page_away(self) -> None:
        ada = await self.new_employee()
        tickets = [await self.new_ticket(ada) for _ in range(21)]
        browser = await self.browser_of(ada)
        page = await browser.get("/tickets")
        self.assertNotIn(f'href="/tickets/{tickets[0]}"', page.text)
        older = re.search(r'href="(/tickets\?cursor=[^"]+)"', page.text)
        assert older is not None
        page = await browser.get(older[1])
        self.assertIn(f'href="/tickets/{tickets[0]}"', page.text)
        self.assertNotIn(f'href="/tickets/{tickets[1]}"', page.text)
        self.assertEqual((await browser.get("/tickets?cursor=x")).status_code, 422)

    async def test_tabs_and_search_with_their_counts(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        train = await self.new_ticket(ada, description="Train to Bergen")
        boat = await self.new_ticket(ada, description="Boat to Bergen")
        await self.new_ticket(await self.new_employee(), description="Train of Ben")
        await self.approve(boat, by=boss)
        browser = await self.browser_of(ada)
        for address, tickets, counts in (
            ("/tickets", [boat, train], [2, 1, 1, 1, 0, 0, 0]),
            ("/tickets?status=approved", [boat], [2, 1, 1, 1, 0, 0, 0]),
            ("/tickets?q=train", [train], [1, 1, 0, 0, 0, 0, 0]),
            (f"/tickets?q=%23{boat}&status=pending", [], [1, 0, 1, 1, 0, 0, 0]),
            ("/tickets?q=100%25", [], [0, 0, 0, 0, 0, 0, 0]),
        ):
            with self.subTest(address=address):
                page = await browser.get(address)
                self.assertEqual(rows(page), tickets)
                found = re.findall(r'<span class="count">(\d+)</span>', page.text)
                self.assertEqual([int(count) for count in found], counts)
        # A tab keeps the search, and a search the tab.
        page = await browser.get("/tickets?q=train&status=approved")
        self.assertIn('href="/tickets?q=train&amp;status=denied"', page.text)
        self.assertIn('name="status" value="approved"', page.text)

    async def test_what_one_is_owed_and_was_paid_last_comes_first(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        browser = await self.browser_of(ada)
        self.assertNotIn("You are owed", (await browser.get("/tickets")).text)
        paid = await self.new_due_ticket(ada, by=boss, amount="10.00")
        await self.new_due_ticket(await self.new_employee(), by=boss, amount="99.00")
        run = await self.new_run(by=boss, tickets=[paid])
        await self.confirm(run, by=boss)
        for amount, owed in ((None, "$10.00"), ("2.50", "$2.50")):
            if amount:
                await self.pay(run, by=boss)
                page = await browser.get("/tickets")
                self.assertIn("You are owed nothing.", page.text)
                await self.new_due_ticket(ada, by=boss, amount=amount)
            page = await browser.get("/tickets")
            owed_line = f'You are owed <a href="/tickets?status=due"><span class="sum">{owed}'
            self.assertIn(owed_line, page.text)
        self.assertIn('<a href="/tickets?status=paid"><span class="sum">$10.00', page.text)
        # Where the mail about a payment leads.
        self.assertEqual(rows(await browser.get("/tickets?status=paid")), [paid])
        page = await browser.get(f"/tickets/{paid}")
        self.assertIn(f"Payment run {self.settings.today().year}-001", page.text)
        self.assertNotIn("/admin/payments", page.text)

    async def test_a_search_that_cannot_be_read_is_said_at_its_field(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        page = await browser.get(f"/tickets?q={'x' * 201}")
        self.assertEqual(page.status_code, 422)
        self.assertIn('id="q-problem"', page.text)
        self.assertIn("x" * 201, page.text)
        self.assertEqual((await browser.get("/tickets?status=x")).status_code, 422)

    async def test_the_page_before_is_a_page_away_too(self) -> None:
        ada = await self.new_employee()
        tickets = [await self.new_ticket(ada) for _ in range(41)][::-1]
        browser = await self.browser_of(ada)
        second = await browser.get(way(await browser.get("/tickets"), "next"))
        self.assertEqual(rows(second), tickets[20:40])
        third = await browser.get(way(second, "next"))
        self.assertEqual(rows(third), tickets[40:])
        self.assertEqual(rows(await browser.get(way(third, "prev"))), tickets[20:40])
        self.assertEqual(rows(await browser.get(way(second, "prev"))), tickets[:20])

    async def test_an_empty_tab_says_what_comes_there(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        for status, sentence in (
            ("all", "File your first one"),
            ("pending", "What you file appears here first"),
            ("approved", "once an employer approves them"),
            ("denied", "with the reason"),
            ("withdrawn", "from the menu of its row"),
        ):
            page = await browser.get(f"/tickets?status={status}")
            self.assertIn(sentence, page.text)

    async def test_what_was_filed_but_is_further_down_is_linked(self) -> None:
        ada = await self.new_employee()
        older = await self.new_ticket(ada, spent_on="2020-01-01")
        tickets = [await self.new_ticket(ada) for _ in range(20)]
        browser = await self.browser_of(ada)
        for filed, is_linked in ((older, True), (tickets[0], False), ("<b>", False)):
            page = await browser.get(f"/tickets?filed={filed}")
            self.assertEqual("What you just filed is older" in page.text, is_linked)
            self.assertNotIn("<b>", page.text)
            self.assertEqual(f'<a href="/tickets/{older}">' in page.text, filed == older)

    async def test_sums_by_currency_and_by_the_date_of_the_purchase(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        await self.new_ticket(ada, amount="1.00", spent_on="2020-01-01")
        await self.new_ticket(ada, amount="2.00", currency="EUR")
        month = usual_settings().today().replace(day=1)
        for amount, spent_on in (
            ("10.00", month),
            ("20.00", month - timedelta(days=1)),
            ("40.00", month.replace(month=1) - timedelta(days=1)),
        ):
            await self.approve(
                await self.new_ticket(ada, amount=amount, spent_on=spent_on), by=boss
            )
        await self.deny(await self.new_ticket(ada, amount="80.00"), by=boss)
        await self.new_ticket(await self.new_employee(), amount="160.00")
        page = await (await self.browser_of(ada)).get("/tickets")
        year = "$30.00" if month.month > 1 else "$10.00"
        self.assertEqual(
            figures(page),
            {
                "Pending": ["€2.00", "$1.00"],
                "Approved this month": ["$10.00"],
                "Approved this year": [year],
            },
        )
        self.assertIn("go by the date of the purchase", page.text)
        with patch("expenses.tickets.summary.COUNT_LIMIT", 2):
            page = await (await self.browser_of(ada)).get("/tickets")
        self.assertEqual(page.text.count("too many to add up here"), 3)
        self.assertIn("You are owed", page.text)

    async def test_months_begin_where_the_company_is(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
            there = make_settings(timezone=zone)
            client = await self.client(self.start_app(there))
            client.cookies = (await self.browser_of(ada)).cookies
            before = figures(await client.get("/tickets"))["Approved this month"]
            month = there.today().replace(day=1)
            ticket = await self.new_ticket(ada, spent_on=month - timedelta(days=1))
            await self.approve(ticket, by=boss)
            after = figures(await client.get("/tickets"))["Approved this month"]
            self.assertEqual(after, before)

    async def test_months_add_up_what_counts(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        await self.new_ticket(ada, spent_on="2026-03-31", amount="1.50")
        await self.new_ticket(ada, spent_on="2026-04-01", amount="2.00")
        await self.approve(
            await self.new_ticket(ada, spent_on="2026-04-30", amount="3.00"), by=boss
        )
        await self.new_ticket(ada, spent_on="2026-04-30", amount="4.00", currency="EUR")
        denied = await self.new_ticket(ada, spent_on="2026-04-15", amount="90.00")
        await self.deny(denied, by=boss)
        browser = await self.browser_of(ada)
        self.assertEqual(
            months(await browser.get("/tickets")),
            [("April 2026", ["€4.00", "$5.00"]), ("March 2026", ["$1.50"])],
        )
        self.assertEqual(
            months(await browser.get("/tickets?status=denied")), [("April 2026", ["$90.00"])]
        )

    async def test_the_number_of_statements_does_not_grow(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        ticket = await self.new_ticket(ada)
        await self.approve(await self.new_ticket(ada), by=boss)
        browser = await self.browser_of(ada)
        addresses = ("/tickets", "/tickets?q=lunch&status=approved", f"/tickets/{ticket}")
        for _ in range(2):
            # A search asks for the ids first.
            for address, most in zip(addresses, (5, 7, 5), strict=True):
                with self.counted_statements() as statements:
                    self.assertEqual((await browser.get(address)).status_code, 200)
                self.assertEqual(len(statements), most, statements)
            for _ in range(3):
                another = await self.new_ticket(ada)
                await self.new_receipt(ada, another)
                await self.approve(another, by=boss)

    async def test_an_employer_is_led_to_the_console(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        ticket = await self.new_ticket(ada)
        browser = await self.browser_of(boss)
        self.assertEqual((await browser.get("/tickets")).headers["location"], "/admin/")
        answer = await browser.get(f"/tickets/{ticket}")
        self.assertEqual(answer.headers["location"], f"/admin/ticket/details/{ticket}")
        async with self.nothing_changes():
            answer = await browser.post("/tickets", data=ticket_form())
        self.assertEqual(answer.status_code, 403)


class Seen(AppTestCase):
    async def test_decisions_are_news_until_they_are_marked_as_seen(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        for decide in (self.approve, self.deny):
            await decide(await self.new_ticket(ada), by=boss)
        await self.new_ticket(ada)
        browser = await self.browser_of(ada)
        async with self.nothing_changes():
            for _ in range(2):
                page = await browser.get("/tickets?status=approved")
                self.assertIn("2 tickets were decided since your last visit", page.text)
                self.assertEqual(page.text.count("fresh"), 1)
        found = re.search(r'href="(/tickets\?decided_since=[^"]+)"', page.text)
        assert found is not None
        decided = await browser.get(unescape(found[1]))
        self.assertEqual(len(rows(decided)), 2)
        export = re.search(r'href="(/tickets/export.csv[^"]+)"', decided.text)
        assert export is not None
        tickets, _ = split(csv_rows((await browser.get(unescape(export[1]))).content)[1:])
        self.assertEqual(len(tickets), 2)
        events = len(await self.events())
        form = form_of(page)
        answer = await browser.post("/tickets/seen", data=form)
        self.assertEqual(answer.headers["location"], "/tickets?status=approved")
        self.assertEqual(await self.seen_at(ada), datetime.fromisoformat(form["until"]))
        page = await browser.get("/tickets")
        self.assertNotIn("since your last visit", page.text)
        self.assertNotIn("fresh", page.text)
        self.assertEqual(rows(await browser.get(unescape(found[1]))), rows(decided))
        self.assertEqual(len(await self.events()), events)

    async def test_it_never_goes_back_nor_into_the_future(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        browser = await self.browser_of(ada)
        await browser.post("/tickets/seen", data={"until": "2999-01-01T00:00:00Z"})
        seen_at = await self.seen_at(ada)
        assert seen_at is not None
        self.assertLessEqual(seen_at, datetime.now(UTC))
        async with self.nothing_changes():
            await browser.post("/tickets/seen", data={"until": "2020-01-01T00:00:00Z"})
            for moment in (
                "yesterday",
                "2026-11-23",
                "0001-01-01T00:00:00+14:00",
                "9999-12-31T23:59:59-14:00",
            ):
                with self.subTest(moment):
                    answer = await browser.post("/tickets/seen", data={"until": moment})
                    self.assertEqual(answer.status_code, 422)
                    answer = await browser.get("/tickets", params={"decided_since": moment})
                    self.assertEqual(answer.status_code, 422)
            answer = await browser.post("/tickets/seen", data={"until": ""})
            self.assertEqual(answer.status_code, 422)
        self.assertIsNone(await self.seen_at(ben))

    async def test_nobody_is_led_to_another_site(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        form = {"until": "2026-01-01T00:00:00Z", "next": "//evil.example/"}
        answer = await browser.post("/tickets/seen", data=form)
        self.assertEqual(answer.headers["location"], "/tickets")

    async def seen_at(self, user: UserView) -> datetime | None:
        async with self.database.reading() as connection:
            return await connection.scalar(select(User.decisions_seen_at).where(User.id == user.id))


class SeenForReal(CommittingTestCase):
    async def test_what_is_decided_while_the_page_is_open_is_news_the_next_time(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        first, second = await self.new_ticket(ada), await self.new_ticket(ada)
        browser = await self.browser_of(ada)
        await self.approve(first, by=boss)
        form = form_of(await browser.get("/tickets"))
        await self.approve(second, by=boss)
        await browser.post("/tickets/seen", data=form)
        page = await browser.get("/tickets")
        self.assertIn("1 ticket was decided since your last visit", page.text)
        self.assertEqual(page.text.count("fresh"), 1)


class Page(AppTestCase):
    async def test_a_pending_ticket_is_edited_and_withdrawn(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        browser = await self.browser_of(ada)
        page = await browser.get(f"/tickets/{ticket}")
        form = form_of(page) | ticket_form(amount="99.00", links="")
        answer = await browser.post(f"/tickets/{ticket}", data=form)
        self.assertEqual(answer.headers["location"], f"/tickets/{ticket}")
        page = await browser.get(f"/tickets/{ticket}")
        self.assertIn("$99.00", page.text)
        event = await self.last_event()
        self.assertEqual((event.action, event.details["after"]["links"]), ("ticket.edited", []))
        await browser.post(f"/tickets/{ticket}/withdraw", data=form)
        page = await browser.get(f"/tickets/{ticket}")
        self.assertIn("Withdrawn", page.text)
        self.assertNotIn("<textarea", page.text)
        self.assertEqual((await self.last_event()).action, "ticket.withdrawn")

    async def test_a_decision_in_the_meantime_is_shown_and_what_was_typed_kept(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer("Dana")
        ticket = await self.new_ticket(ada)
        browser = await self.browser_of(ada)
        form = form_of(await browser.get(f"/tickets/{ticket}"))
        await self.deny(ticket, by=boss, reason="No receipt")
        async with self.nothing_changes():
            page = await browser.post(
                f"/tickets/{ticket}",
                data=form
                | ticket_form(
                    amount="99,5", category="travel", description="A better\r\ntext", links=""
                ),
            )
            withdrawn = await browser.post(f"/tickets/{ticket}/withdraw", data=form)
        self.assertEqual((page.status_code, withdrawn.status_code), (409, 409))
        for text in ("already denied by Dana", "No receipt", "was not saved"):
            self.assertIn(text, page.text)
        section = page.text.partition("was not saved")[2].partition("</dl>")[0]
        self.assertEqual(
            re.findall(r"<dt>([^<]*)</dt>\s*<dd[^>]*>([^<]*)</dd>", section),
            [
                ("Amount", "99,5"),
                ("Category", "Travel"),
                ("Description", "A better\r\ntext"),
                ("Links", "\N{EN DASH}"),
            ],
        )
        draft = form_of(page)
        async with self.nothing_changes():
            page = await browser.post("/tickets/draft", data=draft)
        filled = form_of(page)
        self.assertEqual(filled["amount"], "99,5")
        self.assertEqual(filled["description"].splitlines(), ["A better", "text"])
        self.assertTrue(filled["key"])
        answer = await browser.post("/tickets", data=filled | {"category": "travel"})
        self.assertEqual(answer.status_code, 303)
        self.assertEqual((await self.last_event()).details["amount"], "99.50")

    async def test_a_wrong_edit_of_a_decided_ticket_is_not_lost_either(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer("Dana")
        ticket = await self.new_ticket(ada)
        await self.approve(ticket, by=boss)
        browser = await self.browser_of(ada)
        async with self.nothing_changes():
            page = await browser.post(f"/tickets/{ticket}", data=ticket_form(amount="1,200"))
        self.assertIn("1,200</dd>", page.text)
        self.assertIn("by <bdi>Dana</bdi>", page.text)

    async def test_a_wrong_edit_changes_nothing(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        browser = await self.browser_of(ada)
        async with self.nothing_changes():
            page = await browser.post(f"/tickets/{ticket}", data=ticket_form(amount="-1"))
        self.assertEqual(page.status_code, 422)
        self.assertIn('value="-1"', page.text)

    async def test_somebody_elses_ticket_is_not_there(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        ticket = await self.new_ticket(ada, description="A secret")
        browser = await self.browser_of(ben)
        async with self.nothing_changes():
            for answer in (
                await browser.get(f"/tickets/{ticket}"),
                await browser.post(f"/tickets/{ticket}", data=ticket_form()),
                await browser.post(f"/tickets/{ticket}/withdraw"),
                await browser.get(f"/tickets/{2**63}"),
            ):
                self.assertEqual(answer.status_code, 404)
                self.assertNotIn("A secret", answer.text)
                self.assertIn('href="/"', answer.text)
