"""Many decisions at once: a page in between, and an answer that says what happened to each."""

import asyncio
import re
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import httpx
from sqlalchemy import func, update

from expenses.history import UNDO_PERIOD
from expenses.tickets.models import ticket_table
from tests.console.test_queue import QueueTestCase
from tests.harness import CommittingTestCase


def form_of(page: httpx.Response) -> dict[str, Any]:
    """What the page in between would send on."""
    fields: dict[str, Any] = {}
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text):
        fields.setdefault(name, []).append(value.replace("&amp;", "&"))
    return fields


class Preview(QueueTestCase):
    async def test_it_says_how_many_and_how_much_before_anything_happens(self) -> None:
        ada = await self.new_employee()
        tickets = [await self.new_ticket(ada, amount="10.00") for _ in range(3)]
        euros = await self.new_ticket(ada, currency="EUR", amount="7.00")
        async with self.nothing_changes():
            page = await self.preview("approve", ticket=[*tickets[:2], euros])
        for text in ("3 tickets", "$20.00", "€7.00", "Approve 3 tickets"):
            self.assertIn(text, page.text)

    async def test_all_that_match_are_more_than_the_page_shows(self) -> None:
        ada = await self.new_employee()
        for _ in range(4):
            await self.new_ticket(ada, description="Train")
        await self.new_ticket(ada, description="Boat")
        page = await self.preview("deny", all="1", query="q=train&status=all")
        self.assertIn("Deny 4 tickets", page.text)

    async def test_it_lists_all_of_them_in_the_order_of_the_list(self) -> None:
        ada = await self.new_employee()
        tickets = [await self.new_ticket(ada, amount=f"{number}.00") for number in range(1, 13)]
        for query, order in (
            ("", tickets),
            ("status=all", tickets[::-1]),
            ("sort=-amount&status=pending", tickets[::-1]),
        ):
            for chosen in ({"ticket": tickets}, {"all": "1"}):
                page = await self.preview("approve", query=query, **chosen)
                listed = re.findall(r"<li>(\d+) ·", page.text)
                self.assertEqual(listed, [str(ticket) for ticket in order])
                # The first ten; the others unfold.
                unfolded = page.text.partition("<summary>2 more tickets</summary>")[2]
                self.assertEqual(re.findall(r"<li>(\d+) ·", unfolded), listed[10:])

    async def test_of_very_many_it_says_how_many_it_does_not_list(self) -> None:
        ada = await self.new_employee()
        for _ in range(13):
            await self.new_ticket(ada)
        with patch("expenses.console.selection.MAX_SHOWN", 11):
            page = await self.preview("deny", all="1")
        self.assertIn("<summary>3 more tickets</summary>", page.text)
        self.assertIn("and 2 more", page.text)

    async def test_nothing_selected_and_nothing_left(self) -> None:
        ticket = await self.new_ticket(await self.new_employee())
        answer = await self.preview("approve", query="q=lunch")
        self.assertEqual(answer.status_code, 303)
        self.assertIn(
            "Select some tickets first", (await self.browser.get("/admin/ticket/list")).text
        )
        await self.approve(ticket, by=self.boss)
        page = await self.preview("approve", ticket=[ticket])
        self.assertIn("None of these tickets is still pending and as you saw it", page.text)

    async def test_too_many_are_to_be_decided_in_parts(self) -> None:
        ada = await self.new_employee()
        for _ in range(4):
            await self.new_ticket(ada)
        with patch("expenses.tickets.counts.COUNT_LIMIT", 3):
            page = await self.preview("approve", all="1")
        self.assertIn("Narrow the filter", page.text)

    async def test_odd_selections_are_refused(self) -> None:
        for verdict, ticket in (("approve", "x"), ("burn", "1"), ("approve", "-1")):
            async with self.nothing_changes():
                page = await self.preview(verdict, ticket=ticket)
            self.assertEqual(page.status_code, 422)
        page = await self.preview("approve", ticket=str(2**63))
        self.assertEqual(page.status_code, 200)

    async def preview(self, verdict: str, **fields: Any) -> httpx.Response:
        return await self.browser.post("/admin/ticket/decide", data={"verdict": verdict} | fields)


class ListedBefore(CommittingTestCase):
    """What counts is what the list showed, not what the page in between shows."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada, dana = await self.new_employee("Ada"), await self.new_employer("Dana")
        self.browser = await self.browser_of(dana)
        self.tickets = [await self.new_ticket(self.ada, amount="3.00") for _ in range(3)]

    async def listed(self) -> dict[str, Any]:
        """The form of the list with every row ticked."""
        page = await self.browser.get("/admin/ticket/list")
        ticked = re.findall(r'name="ticket" value="(\d+@[^"]+)"', page.text)
        return form_of(page) | {"ticket": ticked, "verdict": "approve"}

    async def edit(self, ticket: int) -> None:
        program = await self.program_of(self.ada)
        answer = await program.patch(
            f"/api/tickets/{ticket}", json={"amount": "8888.00", "description": "laptop"}
        )
        self.assertEqual(answer.status_code, 200)

    async def test_a_ticket_that_was_edited_since_is_named_and_left_out(self) -> None:
        form = await self.listed()
        await self.edit(self.tickets[0])
        preview = await self.browser.post("/admin/ticket/decide", data=form)
        for text in (
            "1 ticket was changed after you opened the list and is left out:",
            "$8,888.00",
            "laptop",
            "Approve 2 tickets",
            "$6.00",
        ):
            self.assertIn(text, preview.text)
        page = await self.browser.post("/admin/ticket/decide/all", data=form_of(preview))
        self.assertIn("<h1>2 approved, 1 skipped</h1>", page.text)
        self.assertIn("has changed since you saw it", page.text)
        await self.assert_approved(self.tickets[1:])

    async def test_so_is_one_that_an_edit_under_way_changed(self) -> None:
        async with self.database.transaction() as connection:
            # It begins before the list is shown, and is committed afterwards.
            await connection.execute(
                update(ticket_table)
                .where(ticket_table.c.id == self.tickets[0])
                .values(amount=Decimal("8888.00"))
            )
            form = await self.listed()
        preview = await self.browser.post("/admin/ticket/decide", data=form)
        self.assertIn("Approve 2 tickets", preview.text)
        await self.browser.post("/admin/ticket/decide/all", data=form_of(preview))
        await self.assert_approved(self.tickets[1:])

    async def test_all_that_match_leave_out_what_joined_or_changed(self) -> None:
        form = await self.listed() | {"all": "1"}
        await self.edit(self.tickets[0])
        await self.new_ticket(self.ada)
        preview = await self.browser.post("/admin/ticket/decide", data=form)
        self.assertIn("2 tickets joined or were changed after you opened the list", preview.text)
        self.assertIn("Approve 2 tickets", preview.text)
        await self.browser.post("/admin/ticket/decide/all", data=form_of(preview))
        await self.assert_approved(self.tickets[1:])

    async def test_nothing_is_left_once_all_have_changed(self) -> None:
        form = await self.listed()
        for ticket in self.tickets:
            await self.edit(ticket)
        preview = await self.browser.post("/admin/ticket/decide", data=form)
        self.assertIn("None of these tickets is still pending and as you saw it.", preview.text)
        self.assertNotIn("/admin/ticket/decide/all", preview.text)
        await self.assert_approved([])

    async def test_odd_versions_are_refused(self) -> None:
        form = await self.listed()
        for field in ({"ticket": [f"{self.tickets[0]}@yesterday"]}, {"seen": ["never"]}):
            async with self.nothing_changes():
                answer = await self.browser.post("/admin/ticket/decide", data=form | field)
            self.assertEqual(answer.status_code, 422)

    async def assert_approved(self, tickets: list[int]) -> None:
        events = await self.events("ticket.approved")
        self.assertEqual([event.ticket_id for event in events], tickets)
        for ticket in self.tickets:
            status = (await self.ticket(ticket, seen_by=self.ada)).status
            self.assertEqual(status, "approved" if ticket in tickets else "pending")


class Decide(QueueTestCase):
    async def test_each_gets_its_decision_and_its_event(self) -> None:
        ada = await self.new_employee()
        tickets = [await self.new_ticket(ada) for _ in range(3)]
        left = await self.new_ticket(ada)
        page = await self.decide("deny", ticket=tickets, reason="Not a business trip")
        self.assertIn("<h1>3 denied</h1>", page.text)
        for ticket in tickets:
            view = await self.ticket(ticket, seen_by=ada)
            self.assertEqual((view.status, view.decision_reason), ("denied", "Not a business trip"))
        self.assertEqual((await self.ticket(left, seen_by=ada)).status, "pending")
        events = await self.events("ticket.denied")
        self.assertEqual([event.ticket_id for event in events], tickets)
        self.assertEqual({event.details["reason"] for event in events}, {"Not a business trip"})

    async def test_the_answer_says_who_was_faster(self) -> None:
        ada, omar = await self.new_employee("Ada"), await self.new_employer("Omar")
        denied, withdrawn, fine = [await self.new_ticket(ada) for _ in range(3)]
        preview = await self.browser.post(
            "/admin/ticket/decide", data={"verdict": "approve", "ticket": [denied, withdrawn, fine]}
        )
        await self.deny(denied, by=omar, reason="No receipt")
        await self.withdraw(withdrawn, by=ada)
        page = await self.browser.post("/admin/ticket/decide/all", data=form_of(preview))
        self.assertIn("<h1>1 approved, 2 skipped</h1>", page.text)
        for ticket, sentence in ((denied, "was already denied by"), (withdrawn, "was withdrawn")):
            line = page.text.partition(f">Ticket {ticket}</a>")[2].partition("</li>")[0]
            self.assertIn(sentence, line)
        for text in ("Omar", "No receipt", "ago"):
            self.assertIn(text, page.text)

    async def test_a_denial_needs_its_reason(self) -> None:
        ticket = await self.new_ticket(await self.new_employee())
        async with self.nothing_changes():
            page = await self.decide("deny", ticket=[ticket], reason=" ")
        self.assertEqual(page.status_code, 422)
        self.assertIn('id="reason-problem"', page.text)
        self.assertIn(f'name="ticket" value="{ticket}"', page.text)

    async def test_all_that_match_are_those_that_were_there(self) -> None:
        ada = await self.new_employee()
        tickets = [await self.new_ticket(ada, description="Train") for _ in range(3)]
        boat = await self.new_ticket(ada, description="Boat")
        with patch("expenses.console.bulk.BATCH_SIZE", 2):
            page = await self.decide("approve", all="1", query="q=train")
        self.assertIn("<h1>3 approved</h1>", page.text)
        self.assertEqual(
            [event.ticket_id for event in await self.events("ticket.approved")], tickets
        )
        self.assertEqual((await self.ticket(boat, seen_by=ada)).status, "pending")

    async def test_employees_and_strangers_decide_nothing(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        for browser, status in (
            (await self.browser_of(ada), 403),
            (await self.client(), 303),
        ):
            async with self.nothing_changes():
                for path in ("/admin/ticket/decide", "/admin/ticket/decide/all"):
                    answer = await browser.post(path, data={"verdict": "approve", "ticket": ticket})
                    self.assertEqual(answer.status_code, status)

    async def decide(self, verdict: str, reason: str = "", **fields: Any) -> httpx.Response:
        preview = await self.browser.post(
            "/admin/ticket/decide", data={"verdict": verdict} | fields
        )
        self.assertEqual(preview.status_code, 200, preview.text)
        return await self.browser.post(
            "/admin/ticket/decide/all", data=form_of(preview) | {"reason": reason}
        )


class Undo(QueueTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")

    async def undo(self, *tickets: int) -> httpx.Response:
        """The page that one sees afterwards."""
        answer = await self.browser.post(
            "/admin/ticket/undo",
            data={"tickets": ",".join(map(str, tickets)), "next": "/admin/ticket/list?q=x"},
        )
        if answer.status_code == 200:
            return answer
        self.assertEqual(
            (answer.status_code, answer.headers["location"]), (303, "/admin/ticket/list?q=x")
        )
        return await self.browser.get("/admin/ticket/list")

    async def test_a_decision_is_taken_back_without_a_reason(self) -> None:
        ticket = await self.new_ticket(self.ada)
        await self.browser.post(f"/admin/ticket/{ticket}/deny", data={"reason": "No receipt"})
        page = await self.browser.get("/admin/ticket/list")
        self.assertIn(f'name="tickets" value="{ticket}"', page.text)
        self.assertIn("1 ticket is pending again.", (await self.undo(ticket)).text)
        view = await self.ticket(ticket, seen_by=self.ada)
        self.assertEqual(
            (view.status, view.decided_by_id, view.decision_reason), ("pending", None, None)
        )
        event = await self.last_event()
        self.assertEqual((event.action, event.ticket_id), ("ticket.reopened", ticket))
        self.assertEqual(event.details, {"reason": None, "undone": "denied"})

    async def test_so_are_many_at_once(self) -> None:
        tickets = [await self.new_ticket(self.ada) for _ in range(3)]
        preview = await self.browser.post(
            "/admin/ticket/decide", data={"verdict": "approve", "ticket": tickets}
        )
        page = await self.browser.post("/admin/ticket/decide/all", data=form_of(preview))
        self.assertIn(f'name="tickets" value="{",".join(map(str, tickets))}"', page.text)
        self.assertIn("3 tickets are pending again.", (await self.undo(*tickets)).text)
        for ticket in tickets:
            self.assertEqual((await self.ticket(ticket, seen_by=self.ada)).status, "pending")
        self.assertEqual(len(await self.events("ticket.reopened")), 3)

    async def test_what_others_decided_and_what_is_old_stays_and_is_named(self) -> None:
        other = await self.new_employer("Omar")
        theirs, old, reopened, fine = [await self.new_ticket(self.ada) for _ in range(4)]
        ben = await self.new_employee()
        hidden = await self.new_ticket(ben)
        await self.approve(theirs, by=other)
        for ticket in (old, fine, hidden):
            await self.approve(ticket, by=self.boss)
        await self.suspend(ben, by=other)
        async with self.database.transaction() as connection:
            await connection.execute(
                update(ticket_table)
                .where(ticket_table.c.id == old)
                .values(decided_at=func.now() - UNDO_PERIOD)
            )
        page = await self.undo(theirs, old, reopened, fine, hidden)
        self.assertIn("<h1>1 ticket is pending again.</h1>", page.text)
        for ticket, sentence in (
            (theirs, "was approved by Omar"),
            (old, "was approved by Dana"),
            (reopened, "is already pending again"),
        ):
            line = page.text.partition(f">Ticket {ticket}</a>")[2].partition("</li>")[0]
            self.assertIn(sentence, " ".join(re.sub("<[^>]+>", " ", line).split()))
        self.assertNotIn(f">Ticket {fine}</a>", page.text)
        self.assertIn("1 ticket is now hidden", page.text)
        self.assertIn('href="/admin/ticket/list?q=x"', page.text)
        self.assertEqual(
            [event.ticket_id for event in await self.events("ticket.reopened")], [fine]
        )
        async with self.nothing_changes():
            page = await self.undo(theirs)
        self.assertIn("0 tickets are pending again.", page.text)

    async def test_odd_ids_are_refused(self) -> None:
        for text in ("", "x", "1,,2", "-1"):
            async with self.nothing_changes():
                answer = await self.browser.post("/admin/ticket/undo", data={"tickets": text})
            self.assertEqual(answer.status_code, 422)


class AtOnce(CommittingTestCase):
    async def test_what_changed_in_the_meantime_is_skipped_and_named(self) -> None:
        ada, ben = await self.new_employee("Ada"), await self.new_employee("Ben")
        dana, omar = await self.new_employer("Dana"), await self.new_employer("Omar")
        denied, withdrawn, edited, fine = [await self.new_ticket(ada) for _ in range(4)]
        hidden = await self.new_ticket(ben)
        browser = await self.browser_of(dana)
        preview = await browser.post(
            "/admin/ticket/decide",
            data={"verdict": "approve", "ticket": [denied, withdrawn, edited, fine, hidden]},
        )
        filed_later = await self.new_ticket(ada)
        await self.deny(denied, by=omar, reason="No receipt")
        await self.withdraw(withdrawn, by=ada)
        await (await self.program_of(ada)).patch(f"/api/tickets/{edited}", json={"amount": "9000"})
        await self.suspend(ben, by=omar)
        page = await browser.post("/admin/ticket/decide/all", data=form_of(preview))
        self.assertIn("<h1>1 approved, 4 skipped</h1>", page.text)
        self.assertEqual(
            [event.ticket_id for event in await self.events("ticket.approved")], [fine]
        )
        self.assertEqual((await self.ticket(edited, seen_by=ada)).status, "pending")
        self.assertEqual((await self.ticket(filed_later, seen_by=ada)).status, "pending")
        self.assertIn(f">Ticket {edited}</a>", page.text)
        for text in ("has changed since", "already denied by", "was withdrawn", "is now hidden"):
            self.assertIn(text, page.text)

    async def test_two_who_decide_the_same_tickets_share_them_without_a_deadlock(self) -> None:
        ada = await self.new_employee()
        bosses = [await self.new_employer() for _ in range(3)]
        tickets = [await self.new_ticket(ada) for _ in range(30)]
        browsers = [await self.browser_of(boss) for boss in bosses]
        previews = [
            await browser.post(
                "/admin/ticket/decide",
                data={"verdict": "approve", "ticket": tickets[:: 1 if number % 2 else -1]},
            )
            for number, browser in enumerate(browsers)
        ]
        pages = await asyncio.gather(
            *(
                browser.post("/admin/ticket/decide/all", data=form_of(preview))
                for browser, preview in zip(browsers, previews, strict=True)
            )
        )
        counts = [re.search(r"<h1>(\d+) approved", page.text) for page in pages]
        self.assertEqual(sum(int(found[1]) for found in counts if found), 30)
        events = await self.events("ticket.approved")
        self.assertEqual(sorted(event.ticket_id or 0 for event in events), tickets)
