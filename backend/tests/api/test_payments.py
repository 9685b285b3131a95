"""Payment runs through the API: what is due is paid once; each step with its events."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx

from expenses.users.queries import UserView
from tests.harness import PASSWORD, AppTestCase, CommittingTestCase, make_settings, usual_settings

RUNS = "/api/payment-runs"


class PaymentTestCase(AppTestCase):
    boss: UserView
    ada: UserView

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss = await self.new_employer("Dana")
        self.ada = await self.new_employee("Ada")
        self.api = await self.program_of(self.boss)
        self.today = usual_settings().today()

    async def due(self, **fields: Any) -> int:
        return await self.new_due_ticket(self.ada, by=self.boss, **fields)

    async def draft(self, **body: Any) -> dict[str, Any]:
        answer = await self.api.post(RUNS, json={"currency": "USD"} | body)
        self.assertEqual(answer.status_code, 201, answer.text)
        run: dict[str, Any] = answer.json()
        return run

    async def step(self, run: dict[str, Any], name: str, **body: Any) -> httpx.Response:
        return await self.api.post(f"{RUNS}/{run['id']}/{name}", json=body or None)

    async def actions(self) -> list[tuple[str, int | None]]:
        """The events since the last approval, with their tickets."""
        events = [(event.action, event.ticket_id) for event in await self.events()]
        last = max(i for i, (action, _) in enumerate(events) if action == "ticket.approved")
        return events[last + 1 :]

    async def payment_of(self, ticket: int) -> str | None:
        return (await self.ticket(ticket, seen_by=self.ada)).payment


class Due(PaymentTestCase):
    async def test_it_is_summed_up_by_currency_since_the_first_approval(self) -> None:
        self.assertEqual((await self.api.get(f"{RUNS}/due")).json(), {"items": []})
        await self.due(amount="10.00")
        await self.due(amount="2.50")
        await self.due(amount="7.00", currency="EUR")
        await self.new_ticket(self.ada)
        items = (await self.api.get(f"{RUNS}/due")).json()["items"]
        self.assertEqual(
            [(each["currency"], each["tickets"], each["amount"]) for each in items],
            [("EUR", 1, "7.00"), ("USD", 2, "12.50")],
        )

    async def test_a_ticket_is_due_until_it_is_paid(self) -> None:
        ticket = await self.due()
        api = await self.program_of(self.ada)
        for payment, found in (("due", [ticket]), ("paid", [])):
            items = (await api.get("/api/tickets", params={"payment": payment})).json()["items"]
            self.assertEqual([each["id"] for each in items], found)
        run = await self.new_run(by=self.boss)
        await self.confirm(run, by=self.boss)
        self.assertEqual(await self.payment_of(ticket), "due")
        await self.pay(run, by=self.boss)
        self.assertEqual(await self.payment_of(ticket), "paid")
        for payment, found in (("due", []), ("paid", [ticket])):
            items = (await api.get("/api/tickets", params={"payment": payment})).json()["items"]
            self.assertEqual(
                [(each["id"], each["payment"]) for each in items],
                [(each, payment) for each in found],
            )

    async def test_tickets_of_suspended_people_are_not_due(self) -> None:
        ticket = await self.due()
        await self.suspend(self.ada, by=self.boss)
        self.assertEqual((await self.api.get(f"{RUNS}/due")).json(), {"items": []})
        async with self.nothing_changes():
            answer = await self.api.post(RUNS, json={"currency": "USD", "tickets": [ticket]})
            self.assert_problem(answer, 409, "nothing-due")


class Draft(PaymentTestCase):
    async def test_everything_due_in_a_currency(self) -> None:
        tickets = [await self.due(amount="10.00"), await self.due(amount="2.50")]
        await self.due(currency="EUR")
        answer = await self.api.post(RUNS, json={"currency": "USD"})
        run = answer.json()
        self.assertEqual(answer.headers["location"], f"{RUNS}/{run['id']}")
        self.assertEqual(
            (run["number"], run["status"], run["currency"], run["tickets"], run["amount"]),
            (f"{self.today.year}-001", "draft", "USD", 2, "12.50"),
        )
        self.assertEqual(
            run["shares"],
            [
                {
                    "employee": {"id": self.ada.id, "username": "Ada"},
                    "tickets": 2,
                    "amount": "12.50",
                    "unpaid_tickets": 2,
                    "in_cash": False,
                    "payout": None,
                }
            ],
        )
        self.assertEqual(
            await self.actions_of_last_run(),
            ["payment_run.created"] + ["ticket.added_to_payment_run"] * 2,
        )
        listed = (await self.api.get(f"{RUNS}/{run['id']}/tickets")).json()["items"]
        self.assertEqual([each["id"] for each in listed], tickets)
        self.assertEqual((await self.api.get(f"{RUNS}/due")).json()["items"][0]["currency"], "EUR")
        [item] = (await self.api.get(RUNS)).json()["items"]
        self.assertEqual(item["number"], run["number"])

    async def actions_of_last_run(self) -> list[str]:
        return [event.action for event in await self.events() if "run" in event.details]

    async def test_it_says_where_each_is_paid_and_since_when(self) -> None:
        await self.due()
        iban = {"holder": "Ada", "iban": "DE89 3704 0044 0532 0130 00", "password": PASSWORD}
        hers = await self.program_of(self.ada)
        payout = (await hers.put("/api/me/payout", json=iban)).json()
        self.assertEqual(payout["masked"], "DE89 •••• 3000")
        run = await self.draft()
        self.assertEqual([share["payout"] for share in run["shares"]], [payout])
        await self.confirm(run["id"], by=self.boss)
        await self.pay(run["id"], by=self.boss)
        await self.suspend(self.ada, by=self.boss)
        [share] = (await self.api.get(f"{RUNS}/{run['id']}")).json()["shares"]
        self.assertEqual((share["employee"], share["payout"]), (None, None))

    async def test_up_to_a_date_or_of_some_tickets(self) -> None:
        old = await self.due(spent_on=(self.today - timedelta(days=40)).isoformat())
        new = await self.due()
        run = await self.draft(until=(self.today - timedelta(days=30)).isoformat())
        listed = (await self.api.get(f"{RUNS}/{run['id']}/tickets")).json()["items"]
        self.assertEqual([each["id"] for each in listed], [old])
        other = await self.draft(tickets=[old, new])
        self.assertEqual((other["tickets"], other["elsewhere"]), (1, 1))
        self.assertEqual(other["number"], f"{self.today.year}-002")

    async def test_nothing_is_due(self) -> None:
        await self.due()
        await self.draft()
        async with self.nothing_changes():
            for body in ({"currency": "USD"}, {"currency": "EUR"}):
                answer = await self.api.post(RUNS, json=body)
                self.assert_problem(answer, 409, "nothing-due")

    async def test_what_is_wrong_is_named(self) -> None:
        async with self.nothing_changes():
            for body, field in (
                ({}, "currency"),
                ({"currency": "XXX"}, "currency"),
                ({"currency": "USD", "until": "soon"}, "until"),
                ({"currency": "USD", "tickets": []}, "tickets"),
                ({"currency": "USD", "amount": 3}, "amount"),
            ):
                answer = await self.api.post(RUNS, json=body)
                problem = self.assert_problem(answer, 422, "invalid-input")
                self.assertEqual(problem["errors"][0]["field"].split(".")[0], field)

    async def test_a_repeated_request_makes_no_second_run(self) -> None:
        await self.due()
        headers = {"Idempotency-Key": "friday"}
        runs = [
            (await self.api.post(RUNS, json={"currency": "USD"}, headers=headers)).json()["id"]
            for _ in range(2)
        ]
        self.assertEqual(runs[0], runs[1])
        self.assertEqual(len((await self.api.get(RUNS)).json()["items"]), 1)

    async def test_another_request_with_the_same_key_is_refused(self) -> None:
        ticket = await self.due()
        headers = {"Idempotency-Key": "friday"}
        run = (await self.api.post(RUNS, json={"currency": "USD"}, headers=headers)).json()
        await self.due()
        for other in (
            {"currency": "EUR"},
            {"currency": "USD", "until": "2026-01-01"},
            {"currency": "USD", "tickets": [ticket]},
        ):
            before = await self.events()
            answer = await self.api.post(RUNS, json=other, headers=headers)
            self.assert_problem(answer, 422, "idempotency-key-reused")
            self.assertEqual(await self.events(), before)
        self.assertEqual(
            [one["id"] for one in (await self.api.get(RUNS)).json()["items"]], [run["id"]]
        )

    async def test_a_ticket_is_taken_out_and_due_again(self) -> None:
        kept, taken = await self.due(), await self.due()
        run = await self.draft()
        answer = await self.api.delete(f"{RUNS}/{run['id']}/tickets/{taken}")
        self.assertEqual(answer.status_code, 204)
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.ticket_id, event.details),
            ("ticket.taken_out_of_payment_run", taken, {"run": run["number"]}),
        )
        listed = (await self.api.get(f"{RUNS}/{run['id']}/tickets")).json()["items"]
        self.assertEqual([each["id"] for each in listed], [kept])
        async with self.nothing_changes():
            answer = await self.api.delete(f"{RUNS}/{run['id']}/tickets/{taken}")
            self.assert_problem(answer, 404, "not-found")
        self.assertEqual((await self.draft())["tickets"], 1)

    async def test_only_employers_see_and_make_them(self) -> None:
        await self.due()
        run = await self.draft()
        api = await self.program_of(self.ada)
        async with self.nothing_changes():
            for method, path in (
                ("GET", RUNS),
                ("GET", f"{RUNS}/due"),
                ("POST", RUNS),
                ("GET", f"{RUNS}/{run['id']}"),
                ("POST", f"{RUNS}/{run['id']}/confirm"),
            ):
                answer = await api.request(
                    method,
                    path,
                    json={"currency": "USD"} if path == RUNS and method == "POST" else None,
                )
                self.assert_problem(answer, 403, "forbidden")


class Steps(PaymentTestCase):
    async def test_from_the_draft_to_the_payment(self) -> None:
        tickets = [await self.due(), await self.due()]
        run = await self.draft()
        confirmed = (await self.step(run, "confirm")).json()
        self.assertEqual(
            (confirmed["status"], confirmed["confirmed_by"], confirmed["left_out"]),
            ("confirmed", "Dana", 0),
        )
        paid = (
            await self.step(run, "pay", paid_on=self.today.isoformat(), reference="BANK 7")
        ).json()
        self.assertEqual(
            (paid["status"], paid["paid_on"], paid["reference"], paid["paid_tickets"]),
            ("paid", self.today.isoformat(), "BANK 7", 2),
        )
        steps = Counter(action for action, _ in await self.actions())
        self.assertEqual(
            steps,
            {
                "payment_run.created": 1,
                "ticket.added_to_payment_run": 2,
                "payment_run.confirmed": 1,
                "ticket.payment_confirmed": 2,
                "payment_run.paid": 1,
                "ticket.paid": 2,
            },
        )
        for ticket in tickets:
            self.assertEqual(await self.payment_of(ticket), "paid")

    async def test_each_step_needs_its_state(self) -> None:
        await self.due()
        run = await self.draft()
        pay = {"paid_on": self.today.isoformat()}
        reason = {"reason": "A mistake"}
        for step, wrong in (
            ("confirm", (("pay", pay), ("void", reason))),
            ("pay", (("confirm", {}), ("void", reason))),
            ("void", (("confirm", {}), ("pay", pay), ("cancel", reason))),
            (None, (("confirm", {}), ("pay", pay), ("cancel", reason), ("void", reason))),
        ):
            for name, body in wrong:
                async with self.nothing_changes():
                    answer = await self.step(run, name, **body)
                    self.assert_problem(answer, 409, "payment-run-changed")
            if step is not None:
                body = {"confirm": {}, "pay": pay, "void": reason}[step]
                self.assertEqual((await self.step(run, step, **body)).status_code, 200)

    async def test_some_of_it_is_paid_and_the_rest_stays_confirmed(self) -> None:
        first, second = await self.due(), await self.due()
        run = await self.draft()
        await self.step(run, "confirm")
        day = self.today.isoformat()
        answer = (await self.step(run, "pay", paid_on=day, tickets=[first])).json()
        self.assertEqual((answer["status"], answer["paid_tickets"]), ("confirmed", 1))
        self.assertEqual([await self.payment_of(each) for each in (first, second)], ["paid", "due"])
        async with self.nothing_changes():
            again = await self.step(run, "pay", paid_on=day, tickets=[first])
            self.assert_problem(again, 422, "invalid-input")
            cancelled = await self.step(run, "cancel", reason="A mistake")
            self.assert_problem(cancelled, 409, "partly-paid")
        answer = (await self.step(run, "pay", paid_on=day)).json()
        self.assertEqual((answer["status"], answer["paid_tickets"]), ("paid", 2))

    async def test_what_is_left_is_taken_out_and_the_rest_is_paid(self) -> None:
        first, second = await self.due(), await self.due()
        run = await self.draft()
        await self.step(run, "confirm")
        await self.step(run, "pay", paid_on=self.today.isoformat(), tickets=[first])
        await self.api.delete(f"{RUNS}/{run['id']}/tickets/{second}")
        self.assertEqual((await self.api.get(f"{RUNS}/{run['id']}")).json()["status"], "paid")
        self.assertEqual((await self.draft())["tickets"], 1)

    async def test_where_nothing_is_left_to_pay_nothing_is_noted(self) -> None:
        ticket = await self.due()
        run = await self.draft()
        await self.step(run, "confirm")
        await self.api.delete(f"{RUNS}/{run['id']}/tickets/{ticket}")
        async with self.nothing_changes():
            answer = await self.step(run, "pay", paid_on=self.today.isoformat())
            self.assert_problem(answer, 409, "nothing-due")
        self.assertIsNone((await self.api.get(f"{RUNS}/{run['id']}")).json()["paid_on"])

    async def test_a_reference_stays_where_a_later_part_has_none(self) -> None:
        first, _ = await self.due(), await self.due()
        run = await self.draft()
        await self.step(run, "confirm")
        day = self.today.isoformat()
        await self.step(run, "pay", paid_on=day, tickets=[first], reference="BANK 7")
        answer = (await self.step(run, "pay", paid_on=day)).json()
        self.assertEqual((answer["status"], answer["reference"]), ("paid", "BANK 7"))

    async def test_a_cancelled_run_gives_its_tickets_back(self) -> None:
        await self.due()
        for confirms in (False, True):
            run = await self.draft()
            if confirms:
                await self.step(run, "confirm")
            answer = (await self.step(run, "cancel", reason="The wrong month")).json()
            self.assertEqual(
                (answer["status"], answer["ended_by"], answer["reason"], answer["tickets"]),
                ("cancelled", "Dana", "The wrong month", 1),
            )
            event = await self.last_event()
            self.assertEqual(event.action, "ticket.payment_cancelled")
            self.assertEqual(event.details["reason"], "The wrong month")
        self.assertEqual((await self.draft())["tickets"], 1)

    async def test_a_voided_payment_is_due_again(self) -> None:
        ticket = await self.due()
        run = await self.draft()
        await self.step(run, "confirm")
        await self.step(run, "pay", paid_on=self.today.isoformat())
        answer = (await self.step(run, "void", reason="Returned by the bank")).json()
        self.assertEqual((answer["status"], answer["paid_tickets"]), ("voided", 1))
        self.assertEqual(await self.payment_of(ticket), "due")
        event = await self.last_event()
        self.assertEqual((event.action, event.ticket_id), ("ticket.payment_voided", ticket))
        self.assertEqual((await self.draft())["tickets"], 1)

    async def test_a_payment_in_the_future_is_refused(self) -> None:
        await self.due()
        run = await self.draft()
        await self.step(run, "confirm")
        day = (self.today + timedelta(days=2)).isoformat()
        async with self.nothing_changes():
            body = self.assert_problem(
                await self.step(run, "pay", paid_on=day), 422, "invalid-input"
            )
        self.assertEqual(body["errors"][0]["field"], "paid_on")

    async def test_four_eyes(self) -> None:
        self.app.state.settings = make_settings(payment_approval="second-employer")
        await self.due()
        run = await self.draft()
        async with self.nothing_changes():
            self.assert_problem(await self.step(run, "confirm"), 403, "forbidden")
        other = await self.program_of(await self.new_employer("Max"))
        answer = await other.post(f"{RUNS}/{run['id']}/confirm")
        self.assertEqual(answer.json()["confirmed_by"], "Max")


class Reopen(PaymentTestCase):
    async def test_a_draft_loses_the_ticket(self) -> None:
        ticket = await self.due()
        run = await self.draft()
        answer = await self.api.post(f"/api/tickets/{ticket}/reopen", json={"reason": "Too hasty"})
        self.assertEqual(answer.status_code, 200)
        actions = [action for action, _ in await self.actions()][-2:]
        self.assertEqual(actions, ["ticket.taken_out_of_payment_run", "ticket.reopened"])
        self.assertEqual((await self.api.get(f"{RUNS}/{run['id']}")).json()["tickets"], 0)
        async with self.nothing_changes():
            self.assert_problem(await self.step(run, "confirm"), 409, "nothing-due")

    async def test_a_confirmed_or_paid_one_stays_as_it_is(self) -> None:
        ticket = await self.due()
        run = await self.draft()
        for step, body in (("confirm", {}), ("pay", {"paid_on": self.today.isoformat()})):
            await self.step(run, step, **body)
            async with self.nothing_changes():
                answer = await self.api.post(
                    f"/api/tickets/{ticket}/reopen", json={"reason": "Too hasty"}
                )
                problem = self.assert_problem(answer, 409, "in-payment-run")
                self.assertIn(run["number"], problem["detail"])
                browser = await self.browser_of(self.boss)
                await browser.post("/admin/ticket/undo", data={"tickets": str(ticket)})


class Suspend(PaymentTestCase):
    async def test_unpaid_tickets_leave_their_runs_and_paid_ones_stay(self) -> None:
        ben = await self.new_employee("Ben")
        paid = await self.due()
        first = await self.new_run(by=self.boss)
        await self.confirm(first, by=self.boss)
        await self.pay(first, by=self.boss)
        await self.new_due_ticket(ben, by=self.boss)
        unpaid = await self.due(amount="33.00")
        second = await self.draft()
        await self.step(second, "confirm")
        await self.suspend(self.ada, by=self.boss)
        event = (await self.events("user.suspended"))[-1]
        self.assertEqual(event.details["taken_out_of_payment_runs"], {second["number"]: 1})
        event = (await self.events("ticket.taken_out_of_payment_run"))[-1]
        self.assertEqual(event.ticket_id, unpaid)
        run = (await self.api.get(f"{RUNS}/{second['id']}")).json()
        self.assertEqual([each["employee"]["username"] for each in run["shares"]], ["Ben"])
        run = (await self.api.get(f"{RUNS}/{first}")).json()
        self.assertEqual((run["tickets"], run["shares"][0]["employee"]), (1, None))
        listed = (await self.api.get(f"{RUNS}/{first}/tickets")).json()["items"]
        self.assertEqual(listed, [])
        self.assertTrue(paid)

    async def test_a_run_whose_other_tickets_are_paid_is_paid_then(self) -> None:
        ben = await self.new_employee("Ben")
        paid = await self.new_due_ticket(ben, by=self.boss)
        await self.due()
        run = await self.draft()
        await self.step(run, "confirm")
        await self.step(run, "pay", paid_on=self.today.isoformat(), tickets=[paid])
        await self.suspend(self.ada, by=self.boss)
        run = (await self.api.get(f"{RUNS}/{run['id']}")).json()
        self.assertEqual((run["status"], run["tickets"], run["paid_tickets"]), ("paid", 1, 1))
        event = (await self.events("user.suspended"))[-1]
        self.assertEqual(event.details["taken_out_of_payment_runs"], {run["number"]: 1})


class AtOnce(CommittingTestCase):
    async def test_each_ticket_is_in_one_run_alone(self) -> None:
        bosses = [await self.new_employer() for _ in range(4)]
        ada = await self.new_employee()
        tickets = {await self.new_due_ticket(ada, by=bosses[0]) for _ in range(20)}
        programs = [await self.program_of(boss) for boss in bosses]
        for _ in range(3):
            answers = await asyncio.gather(
                *(program.post(RUNS, json={"currency": "USD"}) for program in programs * 2)
            )
            self.assertEqual({answer.status_code for answer in answers} - {201, 409}, set())
            made = [answer.json() for answer in answers if answer.status_code == 201]
            self.assertEqual(sum(run["tickets"] for run in made), len(tickets))
            numbers = [run["number"] for run in made]
            self.assertEqual(len(numbers), len(set(numbers)))
            for run in made:
                answer = await programs[0].post(
                    f"{RUNS}/{run['id']}/cancel", json={"reason": "Once more"}
                )
                self.assertEqual(answer.status_code, 200)

    async def test_a_repeated_request_at_the_same_moment_makes_one_run(self) -> None:
        boss = await self.new_employer()
        await self.new_due_ticket(await self.new_employee(), by=boss)
        program = await self.program_of(boss)
        answers = await asyncio.gather(
            *(
                program.post(RUNS, json={"currency": "USD"}, headers={"Idempotency-Key": "once"})
                for _ in range(5)
            )
        )
        self.assertEqual({answer.json()["id"] for answer in answers}, {answers[0].json()["id"]})

    async def test_reopening_and_confirming_never_both_succeed(self) -> None:
        boss, ada = await self.new_employer(), await self.new_employee()
        program = await self.program_of(boss)
        for _ in range(10):
            ticket = await self.new_due_ticket(ada, by=boss)
            run = await self.new_run(by=boss)
            reopened, confirmed = await asyncio.gather(
                program.post(f"/api/tickets/{ticket}/reopen", json={"reason": "Too hasty"}),
                program.post(f"{RUNS}/{run}/confirm"),
            )
            statuses = (reopened.status_code, confirmed.status_code)
            self.assertIn(statuses, {(200, 409), (409, 200)})
            lines = (await program.get(f"{RUNS}/{run}")).json()["tickets"]
            self.assertEqual(lines, 0 if reopened.status_code == 200 else 1)
            if confirmed.status_code == 409:
                await program.post(f"{RUNS}/{run}/cancel", json={"reason": "Empty"})
            else:
                await program.post(
                    f"{RUNS}/{run}/pay", json={"paid_on": self.settings.today().isoformat()}
                )
