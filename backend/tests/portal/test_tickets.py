"""An employee's pages: the list, the form for a new ticket, a ticket's page."""

import re

import httpx

from tests.harness import AppTestCase, ticket_json


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
        values[name] = text
    return values


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
        await self.new_ticket(ada, description="Older")
        browser = await self.browser_of(ada)
        page = await browser.get("/tickets")
        self.assertNotIn("Taxi to the airport", page.text)
        answer = await browser.post(
            "/tickets", data=form_of(page) | ticket_form(description="Taxi to the airport")
        )
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/tickets"))
        page = await browser.get("/tickets")
        self.assertLess(page.text.index("Taxi to the airport"), page.text.index("Older"))
        event = await self.last_event()
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
        await browser.post("/tickets", data=form | {"amount": "13.00"})
        next_form = form_of(await browser.get("/tickets")) | ticket_form()
        await browser.post("/tickets", data=next_form)
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
        self.assertIn("Line 2:", page.text)

    async def test_a_day_to_come_is_refused_at_its_field(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        async with self.nothing_changes():
            page = await browser.post("/tickets", data=ticket_form(spent_on="2999-01-01"))
        self.assertEqual(page.status_code, 422)
        self.assertIn('id="spent_on-problem"', page.text)


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
                f"/tickets/{ticket}", data=form | ticket_form(description="A better text")
            )
            withdrawn = await browser.post(f"/tickets/{ticket}/withdraw", data=form)
        self.assertEqual((page.status_code, withdrawn.status_code), (409, 409))
        for text in ("already denied by Dana", "No receipt", "A better text"):
            self.assertIn(text, page.text)

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
