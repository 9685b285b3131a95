"""Payment runs in the console: what is due, drafting, each step, and what its pages say."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from unittest.mock import patch

import httpx
from sqlalchemy import text

from expenses.payments.queries import RunView, get_run
from expenses.settings import Settings
from expenses.users.queries import UserView
from tests.harness import PASSWORD, AppTestCase, make_settings, usual_settings

RUNS = "/admin/payments"


def text_of(page: httpx.Response, pattern: str = "(.*)") -> str:
    """What the page says, or a part of it, without tags."""
    found = re.search(pattern, page.text, re.DOTALL)
    assert found is not None, pattern
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found[1])).split())


def row(page: httpx.Response, name: str, value: object) -> str:
    return text_of(page, rf'<tr data-{name}="{value}">(.*?)</tr>')


def rows(page: httpx.Response, name: str) -> list[str]:
    return re.findall(rf'<tr data-{name}="(\w+)"', page.text)


class PaymentPagesTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss = await self.new_employer("Dana")
        self.ada, self.bob = await self.new_employee("Ada"), await self.new_employee("Bob")
        self.browser = await self.browser_of(self.boss)
        self.today = usual_settings().today()

    async def due(self, owner: UserView | None = None, **fields: Any) -> int:
        return await self.new_due_ticket(owner or self.ada, by=self.boss, **fields)

    async def drafted(self, **fields: Any) -> int:
        """A draft of everything due, made by a form."""
        answer = await self.browser.post(RUNS, data={"currency": "USD"} | fields)
        self.assertEqual(answer.status_code, 303, answer.text)
        return int(answer.headers["location"].removeprefix(f"{RUNS}/"))

    async def take(self, run: int, step: str, **fields: Any) -> httpx.Response:
        return await self.browser.post(f"{RUNS}/{run}/{step}", data=fields, follow_redirects=True)

    async def page(self, path: object = "", **query: Any) -> httpx.Response:
        page = await self.browser.get(f"{RUNS}/{path}".rstrip("/"), params=query)
        self.assertEqual(page.status_code, 200, page.text)
        return page

    async def run_of(self, run: int) -> RunView:
        async with self.database.reading() as connection:
            return await get_run(connection, run, actor=self.boss)

    async def payment_of(self, ticket: int) -> str | None:
        return (await self.ticket(ticket, seen_by=self.boss)).payment

    def settle(self, settings: Settings) -> None:
        self.app.state.settings = settings


class Overview(PaymentPagesTestCase):
    async def test_nothing_is_due_and_there_are_no_runs(self) -> None:
        page = await self.page()
        self.assertIn(
            "Nothing is due. Tickets appear here as soon as they are approved.", page.text
        )
        self.assertIn("No payment runs here yet", page.text)
        self.assertEqual(rows(page, "due"), [])

    async def test_what_is_due_is_summed_up_by_currency_without_what_a_run_has(self) -> None:
        await self.due(amount="10.00")
        await self.due(self.bob, amount="2.50")
        await self.due(amount="7.00", currency="EUR")
        await self.new_ticket(self.ada, currency="GBP")
        page = await self.page()
        self.assertEqual(rows(page, "due"), ["EUR", "USD"])
        self.assertIn("$12.50 2 tickets", row(page, "due", "USD"))
        await self.drafted()
        self.assertEqual(rows(await self.page(), "due"), ["EUR"])

    async def test_runs_are_listed_newest_first_by_status_and_page_by_page(self) -> None:
        await self.due(amount="10.00")
        first = await self.new_run(by=self.boss)
        await self.confirm(first, by=self.boss)
        await self.due(currency="EUR")
        second = await self.new_run(by=self.boss, currency="EUR")
        page = await self.page()
        self.assertEqual(rows(page, "run"), [str(second), str(first)])
        line = row(page, "run", first)
        for part in (f"{self.today.year}-001", "$10.00", "1 ticket", "Confirmed", "Dana"):
            self.assertIn(part, line)
        for status, found in (("draft", [second]), ("confirmed", [first]), ("voided", [])):
            page = await self.page(status=status)
            self.assertEqual(rows(page, "run"), [str(each) for each in found])
        with patch("expenses.console.payment_pages.PAGE_SIZE", 1):
            page = await self.page()
            older = re.search(r'rel="next" href="([^"]+)"', page.text)
            assert older is not None
            page = await self.browser.get(older[1])
        self.assertEqual(rows(page, "run"), [str(first)])
        self.assertIn(f'href="{RUNS}">Newest', page.text)

    async def test_odd_addresses_are_refused(self) -> None:
        run = await self.new_run_of_one()
        for address in ("?status=burnt", "?cursor=x", f"/{run}?employee=x", f"/{run}?cursor=x"):
            self.assertEqual((await self.browser.get(RUNS + address)).status_code, 422, address)
        for number in (run + 1, 0, 10**18):
            self.assertEqual((await self.browser.get(f"{RUNS}/{number}")).status_code, 404)

    async def new_run_of_one(self) -> int:
        await self.due()
        return await self.new_run(by=self.boss)


class Draft(PaymentPagesTestCase):
    async def test_everything_due_up_to_a_date(self) -> None:
        old = await self.due(spent_on=(self.today - timedelta(days=40)).isoformat())
        await self.due()
        until = (self.today - timedelta(days=30)).isoformat()
        run = await self.drafted(until=until)
        page = await self.page(run)
        number = f"{self.today.year}-001"
        self.assertIn(f"Payment run {number} is drafted with 1 ticket.", page.text)
        self.assertEqual(rows(page, "ticket"), [str(old)])
        self.assertEqual((await self.run_of(run)).status, "draft")
        events = [event.action for event in (await self.events())[-2:]]
        self.assertEqual(events, ["payment_run.created", "ticket.added_to_payment_run"])

    async def test_nothing_due_and_odd_input_are_refused(self) -> None:
        await self.due()
        async with self.nothing_changes():
            answer = await self.browser.post(RUNS, data={"currency": "EUR"})
            self.assertEqual(answer.status_code, 409)
            self.assertIn("Nothing is due in EUR", answer.text)
            self.assertEqual(rows(answer, "due"), ["USD"])
            answer = await self.browser.post(RUNS, data={"currency": "USD", "until": "soon"})
            self.assertEqual(answer.status_code, 422)
            self.assertIn("Use a date such as", row(answer, "due", "USD"))
            answer = await self.browser.post(RUNS, data={"currency": "XXX"})
            self.assertEqual(answer.status_code, 422)


class Run(PaymentPagesTestCase):
    async def test_it_shows_what_each_employee_gets(self) -> None:
        await self.due(amount="10.00")
        await self.due(amount="5.00")
        await self.due(self.bob, amount="2.50")
        run = await self.drafted()
        page = await self.page(run)
        self.assertIn("$17.50", text_of(page, "<h1(.*?)</h1>"))
        self.assertIn("Ada 2 tickets $15.00 by bank", row(page, "share", self.ada.id))
        self.assertIn("Bob 1 ticket $2.50 by bank", row(page, "share", self.bob.id))
        self.assertIn("Confirm 3 tickets", page.text)
        self.assertIn("Waiting for confirmation", page.text)
        self.assertNotIn("Waiting for payment", page.text)

    async def test_it_shows_where_each_employee_is_paid_and_since_when(self) -> None:
        await self.due()
        await self.due(self.bob)
        iban = {"holder": "Ada", "iban": "DE89 3704 0044 0532 0130 00", "password": PASSWORD}
        hers = await self.program_of(self.ada)
        self.assertEqual((await hers.put("/api/me/payout", json=iban)).status_code, 200)
        async with self.database.transaction() as connection:
            await connection.execute(
                text("UPDATE payout_details SET changed_at = changed_at - interval '2 days'")
            )
        run = await self.drafted()
        page = await self.page(run)
        self.assertIn("DE89 •••• 3000 · Changed 2 days ago", row(page, "share", self.ada.id))
        self.assertIn("no payout details", row(page, "share", self.bob.id))
        for employee in (self.ada, self.bob):
            page = await self.take(run, "in-cash", employee=employee.id, in_cash="1")
            self.assertNotIn("Changed", row(page, "share", employee.id))
            self.assertNotIn("no payout details", row(page, "share", employee.id))
        await self.take(run, "in-cash", employee=self.ada.id, in_cash="")
        await self.confirm(run, by=self.boss)
        self.assertIn("DE89", (await self.page(run)).text)
        await self.pay(run, by=self.boss)
        self.assertNotIn("DE89", (await self.page(run)).text)

    async def test_its_tickets_page_by_page_and_of_one_employee(self) -> None:
        first, second = await self.due(), await self.due()
        of_bob = await self.due(self.bob)
        run = await self.drafted()
        with patch("expenses.console.payment_pages.PAGE_SIZE", 2):
            page = await self.page(run)
            self.assertEqual(rows(page, "ticket"), [str(first), str(second)])
            following = re.search(r'rel="next" href="([^"]+)#tickets"', page.text)
            assert following is not None
            page = await self.browser.get(following[1])
            self.assertEqual(rows(page, "ticket"), [str(of_bob)])
        page = await self.page(run, employee=self.bob.id)
        self.assertEqual(rows(page, "ticket"), [str(of_bob)])
        self.assertIn("only those of Bob", text_of(page))

    async def test_tickets_of_the_suspended_are_only_a_sum(self) -> None:
        ticket = await self.due(amount="10.00", description="A secret dinner")
        await self.due(self.bob, amount="2.50")
        run = await self.drafted()
        await self.confirm(run, by=self.boss)
        await self.pay(run, by=self.boss)
        await self.suspend(self.ada, by=self.boss)
        page = await self.page(run)
        self.assertIn("hidden 1 ticket $10.00 of suspended employees", text_of(page))
        self.assertNotIn("A secret dinner", page.text)
        self.assertNotIn("Ada", page.text)
        self.assertNotIn(str(ticket), rows(page, "ticket"))


class Steps(PaymentPagesTestCase):
    async def test_from_a_draft_to_paid(self) -> None:
        tickets = [await self.due(), await self.due(self.bob)]
        run = await self.drafted()
        page = await self.take(run, "confirm")
        self.assertIn("2 tickets are confirmed.", page.text)
        self.assertEqual((await self.run_of(run)).status, "confirmed")
        self.assertEqual((await self.events())[-1].action, "ticket.payment_confirmed")
        page = await self.take(run, "pay", paid_on=self.today.isoformat(), reference="SEPA 4711")
        self.assertIn("2 tickets are paid.", page.text)
        self.assertIn("SEPA 4711", text_of(page, '<ol class="steps-line"(.*?)</ol>'))
        self.assertEqual((await self.run_of(run)).status, "paid")
        self.assertEqual(len(await self.events("ticket.paid")), 2)
        self.assertEqual([await self.payment_of(ticket) for ticket in tickets], ["paid"] * 2)

    async def test_what_was_reopened_since_is_left_out_and_said(self) -> None:
        await self.due()
        run = await self.drafted()
        await self.due(self.bob)
        other = await self.drafted()
        self.assertNotEqual(run, other)
        await self.suspend(self.bob, by=self.boss)
        answer = await self.take(other, "confirm")
        self.assertEqual(answer.status_code, 409)
        self.assertIn("Nothing is left in this run. Cancel it.", answer.text)
        with patch("expenses.console.payments.actions.confirm_run") as confirm:
            confirm.return_value.tickets, confirm.return_value.left_out = 12, 3
            page = await self.take(run, "confirm")
        self.assertIn("12 tickets are confirmed. 3 were left out because they were", page.text)

    async def test_only_the_selected_tickets_are_paid(self) -> None:
        paid, left = await self.due(), await self.due(self.bob)
        run = await self.drafted()
        await self.confirm(run, by=self.boss)
        today = self.today.isoformat()
        async with self.nothing_changes():
            page = await self.take(run, "pay", paid_on=today, only="selected")
            self.assertEqual(page.status_code, 422)
            self.assertIn("Select the tickets that were paid.", page.text)
        page = await self.take(run, "pay", paid_on=today, only="selected", tickets=[paid])
        self.assertIn("1 ticket is paid.", page.text)
        self.assertIn("1 of 2 tickets paid", text_of(page))
        self.assertEqual(await self.payment_of(paid), "paid")
        self.assertEqual(await self.payment_of(left), "due")
        self.assertNotIn("Cancel the run", page.text)
        self.assertEqual(len(await self.events("ticket.paid")), 1)

    async def test_a_ticket_is_taken_out(self) -> None:
        ticket, other = await self.due(), await self.due()
        run = await self.drafted()
        page = await self.take(run, f"tickets/{ticket}/take-out")
        self.assertIn(f"Ticket {ticket} is no longer in this run.", page.text)
        self.assertEqual(rows(page, "ticket"), [str(other)])
        self.assertEqual((await self.last_event()).action, "ticket.taken_out_of_payment_run")
        async with self.nothing_changes():
            page = await self.take(run, f"tickets/{ticket}/take-out")
            self.assertEqual(page.status_code, 404)

    async def test_somebody_is_paid_in_cash(self) -> None:
        await self.due()
        run = await self.drafted()
        page = await self.take(run, "in-cash", employee=self.ada.id, in_cash="1")
        self.assertIn("in cash", row(page, "share", self.ada.id))
        self.assertEqual((await self.last_event()).action, "payment_run.set_in_cash")
        page = await self.take(run, "in-cash", employee=self.ada.id, in_cash="")
        self.assertIn("by bank", row(page, "share", self.ada.id))
        self.assertEqual((await self.last_event()).action, "payment_run.set_by_bank")

    async def test_a_run_is_cancelled_or_voided_with_a_reason(self) -> None:
        ticket = await self.due()
        for step, status in (("cancel", "cancelled"), ("void", "voided")):
            run = await self.drafted()
            if step == "void":
                await self.confirm(run, by=self.boss)
                await self.pay(run, by=self.boss)
            async with self.nothing_changes():
                page = await self.take(run, step, reason=" ")
                self.assertEqual(page.status_code, 422)
                self.assertIn('<details class="card-body" open>', page.text)
            page = await self.take(run, step, reason="The wrong month")
            self.assertIn("Its tickets are due again.", page.text)
            self.assertIn("The wrong month", text_of(page, '<ol class="steps-line"(.*?)</ol>'))
            self.assertEqual((await self.run_of(run)).status, status)
            self.assertEqual(await self.payment_of(ticket), "due")
            self.assertEqual(len(await self.events(f"payment_run.{status}")), 1)

    async def test_a_step_that_another_employer_has_taken_is_refused_with_the_state(self) -> None:
        await self.due()
        run = await self.drafted()
        await self.confirm(run, by=self.boss)
        async with self.nothing_changes():
            page = await self.take(run, "confirm")
        self.assertEqual(page.status_code, 409)
        self.assertIn("is confirmed.", text_of(page, 'role="alert">(.*?)</div>'))
        self.assertIn("Mark 1 ticket as paid", page.text)
        # No e-mails are set up.
        self.assertNotIn("one e-mail", page.text)
        tomorrow = (self.today + timedelta(days=2)).isoformat()
        async with self.nothing_changes():
            page = await self.take(run, "pay", paid_on=tomorrow)
        self.assertEqual(page.status_code, 422)
        self.assertIn("This date is in the future.", page.text)

    async def test_with_four_eyes_another_employer_confirms(self) -> None:
        self.settle(make_settings(payment_approval="second-employer"))
        await self.due()
        run = await self.drafted()
        page = await self.page(run)
        self.assertIn("another employer has to confirm it", page.text)
        self.assertNotIn("Confirm 1 ticket", page.text)
        async with self.nothing_changes():
            page = await self.take(run, "confirm")
            self.assertEqual(page.status_code, 403)
        self.browser = await self.browser_of(await self.new_employer())
        self.assertIn("Confirm 1 ticket", (await self.page(run)).text)
        await self.take(run, "confirm")
        self.assertEqual((await self.run_of(run)).status, "confirmed")


class Selected(PaymentPagesTestCase):
    async def select(self, *tickets: int) -> httpx.Response:
        return await self.browser.post(
            f"{RUNS}/selected",
            data={"ticket": list(tickets), "query": "status=due"},
            follow_redirects=True,
        )

    async def test_the_list_offers_to_pay_what_is_due(self) -> None:
        due, pending = await self.due(), await self.new_ticket(self.ada)
        for status, ticket, action in (
            ("due", due, f"{RUNS}/selected"),
            ("approved", due, f"{RUNS}/selected"),
            ("all", pending, "/admin/ticket/decide"),
        ):
            page = await self.browser.get("/admin/ticket/list", params={"status": status})
            self.assertIn(f'id="bulk" method="post" action="{action}"', page.text)
            boxes = re.findall(r'type="checkbox" name="ticket" value="(\d+)[@"]', page.text)
            self.assertEqual(boxes, [str(ticket)])

    async def test_selected_tickets_become_a_run_and_what_another_has_is_said(self) -> None:
        first, second, taken = [await self.due() for _ in range(3)]
        await self.new_run(by=self.boss, tickets=[taken])
        page = await self.select(first, taken, await self.new_ticket(self.ada))
        self.assertEqual(rows(page, "ticket"), [str(first)])
        self.assertIn(
            f"Payment run {self.today.year}-002 is drafted with 1 ticket. "
            "2 of the selected tickets are in other runs, or not due.",
            text_of(page, 'role="status"[^>]*>(.*?)</div>'),
        )
        self.assertEqual((await self.ticket(second, seen_by=self.boss)).payment, "due")
        self.assertEqual((await self.last_event()).ticket_id, first)

    async def test_each_currency_becomes_a_run(self) -> None:
        dollars, euros = await self.due(), await self.due(currency="EUR")
        page = await self.select(dollars, euros)
        year = self.today.year
        self.assertIn(
            f"A payment run for each currency was drafted: {year}-001 (EUR), {year}-002 (USD).",
            page.text,
        )
        self.assertEqual(len(rows(page, "run")), 2)
        self.assertEqual(len(await self.events("payment_run.created")), 2)

    async def test_nothing_that_could_be_paid(self) -> None:
        pending = await self.new_ticket(self.ada)
        async with self.nothing_changes():
            page = await self.select(pending, pending + 1)
            self.assertEqual(page.status_code, 409)
            self.assertIn("None of these tickets is due", page.text)
            self.assertIn("Select some tickets first.", (await self.select()).text)


class Suspended(PaymentPagesTestCase):
    async def test_it_is_said_what_was_taken_out_of_which_run(self) -> None:
        await self.due(), await self.due(), await self.due(self.bob)
        run = await self.run_of(await self.drafted())
        for employee, sentence in (
            (self.ada, f"2 tickets were taken out of payment run {run.number}."),
            (self.bob, f"1 ticket was taken out of payment run {run.number}."),
        ):
            address = f"/admin/employee/{employee.id}/suspend"
            page = await self.browser.post(address, follow_redirects=True)
            self.assertIn(f"is suspended. {sentence}", text_of(page))
        address = f"/admin/employee/{self.ada.id}/reactivate"
        page = await self.browser.post(address, follow_redirects=True)
        self.assertNotIn("taken out of payment run", page.text)
