"""A state machine does anything in any order, right and wrong, beside a model of a few dicts.

`long_state_machine.py` does so for longer.
"""

from datetime import timedelta
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.harness import TestCase, usual_settings
from tests.state_machine import pages
from tests.state_machine.actions import MISSING, Actions, Verdict
from tests.state_machine.company import NOT_LOGGED_IN

# Making a failure's story short may take minutes: it is told as it was.
SHORT = settings(
    max_examples=2,
    stateful_step_count=30,
    derandomize=True,
    phases=[Phase.generate],
    deadline=None,
    database=None,
)
EMAILS = [f"{name}@contoso.example" for name in ("eve", "adam", "olga", "dan", "ben", "cai")]
BEGINNERS = ("employee", "employee", "employer", "employer")
NOBODY = "zed@contoso.example"
WRONG_AMOUNTS = ("0", "-1.00", "1000000000000.00")

# Which of those that are there; the last stands for one that is not, or not any more.
picks = st.integers(0, MISSING)
emails = st.sampled_from([*EMAILS, NOBODY])
suspects = st.sampled_from([*EMAILS[:2], *EMAILS[:2], *EMAILS, NOBODY])
newcomers = st.sampled_from([*EMAILS[4:], EMAILS[4].replace("ben", "BEN"), EMAILS[0]])
roles = st.sampled_from(["employee", "employer"])
# The last two for the most part: older ones have ended.
runs = st.sampled_from([0, 0, 0, 1, 1, 2, 3, MISSING])
currencies = st.sampled_from(["USD", "USD", "EUR"])
reasons = st.sampled_from(["No receipt", "Twice the usual", "住宿超标"])
verdicts: st.SearchStrategy[Verdict] = st.sampled_from(["approved", "denied"])
changes = st.fixed_dictionaries(
    {"amount": st.decimals("0.01", "99.99", places=2).map(str)},
    optional={
        "currency": st.sampled_from(["USD", "EUR"]),
        "description": st.sampled_from(["Lunch", "100% of it", "火车票"]),
    },
)
repeated = st.fixed_dictionaries({"amount": st.sampled_from(["1.00", "2.00"])})


class ExpensesMachine(Actions):
    @initialize()
    def begin(self) -> None:
        """Or most of the time would be spent on getting this far."""
        for email, role in zip(EMAILS, BEGINNERS, strict=False):
            self._register(email, role)
        for token in list(self.model.sessions)[:2]:
            self._file(token, {"amount": "12.50"})
        for ticket in list(self.model.tickets):
            self._decide(self._connection("employer", 0), ticket, "approved", "Fine")

    # Users

    @rule(email=newcomers, role=roles)
    def register(self, email: str, role: str) -> None:
        self._register(email, role)

    @rule(email=emails, is_right=st.sampled_from([True, True, True, False]))
    def log_in(self, email: str, is_right: bool) -> None:
        self._log_in(email, is_right=is_right)

    @rule()
    def come_back(self) -> None:
        """Everybody who is not logged in, and may be."""
        for person in self.model.people.values():
            if not person["suspended"] and person["id"] not in self.model.sessions.values():
                self._log_in(person["email"], is_right=True)

    @rule(who=picks, role=st.sampled_from(["employee", "employee", "employer"]))
    def log_out(self, who: int, role: str) -> None:
        self._log_out(self._connection(role, who))

    @rule(who=picks, email=suspects, reason=st.none() | reasons)
    def suspend(self, who: int, email: str, reason: str | None) -> None:
        self._set_suspended(self._connection("employer", who), email, reason, suspended=True)

    @rule(who=picks, email=suspects, reason=st.none() | reasons)
    def reactivate(self, who: int, email: str, reason: str | None) -> None:
        self._set_suspended(self._connection("employer", who), email, reason, suspended=False)

    @rule(who=picks, email=suspects, role=roles)
    def change_a_role(self, who: int, email: str, role: str) -> None:
        self._change_role(self._connection("employer", who), email, role)

    # Tickets

    @rule(who=picks, values=changes)
    def file(self, who: int, values: dict[str, Any]) -> None:
        self._file(self._connection("employee", who), values)

    @rule(who=picks, values=repeated, key=st.sampled_from(["a", "b"]))
    def file_with_a_key(self, who: int, values: dict[str, Any], key: str) -> None:
        self._file(self._connection("employee", who), values, key)

    @rule(who=picks, which=picks, values=changes)
    def edit(self, who: int, which: int, values: dict[str, Any]) -> None:
        ticket = self._ticket(which)
        self._edit(self._owner_or_another(ticket, who), ticket, values)

    @rule(who=picks, which=picks)
    def withdraw(self, who: int, which: int) -> None:
        ticket = self._ticket(which)
        self._withdraw(self._owner_or_another(ticket, who), ticket)

    @rule(who=picks, which=picks, verdict=verdicts, reason=reasons)
    def decide(self, who: int, which: int, verdict: Verdict, reason: str) -> None:
        self._decide(self._connection("employer", who), self._ticket(which), verdict, reason)

    @rule(who=picks, which=picks, verdict=verdicts, reasons=st.tuples(reasons, reasons))
    def decide_twice(
        self, who: int, which: int, verdict: Verdict, reasons: tuple[str, str]
    ) -> None:
        for number, reason in enumerate(reasons):
            token = self._connection("employer", who + number)
            self._decide(token, self._ticket(which), verdict, reason)

    @rule(who=picks, which=picks, reason=reasons)
    def reopen(self, who: int, which: int, reason: str) -> None:
        self._reopen(self._connection("employer", who), self._ticket(which), reason)

    @rule(
        who=picks,
        which=st.lists(picks, min_size=1, max_size=4, unique=True),
        verdict=verdicts,
        reason=reasons,
        changed=st.none() | changes,
    )
    def decide_many(
        self,
        who: int,
        which: list[int],
        verdict: Verdict,
        reason: str,
        changed: dict[str, Any] | None,
    ) -> None:
        """Where something is `changed`, the first one's owner does so after it was looked at."""
        token, chosen = self._connection("employer", who), list(
            dict.fromkeys(map(self._ticket, which))
        )
        form = {"verdict": "approve" if verdict == "approved" else "deny", "ticket": chosen}
        preview = self.application.page(token, "/admin/ticket/decide", form)
        edited = set()
        if changed is not None:
            before = len(self.model.events)
            self._edit(self._owner_or_another(chosen[0], 1), chosen[0], changed)
            edited = set(chosen[:1]) if len(self.model.events) > before else set()
        form |= {"seen": pages.seen(preview), "reason": reason}
        page = self.application.page(token, "/admin/ticket/decide/all", form)
        decided = self.model.decide_many(token, chosen, verdict, reason, changed=edited)
        assert pages.decided(page) == decided, (pages.decided(page), decided)

    # Payment runs

    @rule(who=picks, currency=currencies)
    def draft_everything(self, who: int, currency: str) -> None:
        self._draft(self._connection("employer", who), {"currency": currency})

    @rule(who=picks, which=st.lists(picks, min_size=1, max_size=4))
    def draft_some(self, who: int, which: list[int]) -> None:
        wanted = {"currency": "USD", "tickets": [self._ticket(pick) for pick in which]}
        self._draft(self._connection("employer", who), wanted)

    @rule(who=picks, currency=currencies, days=st.integers(0, 4))
    def draft_up_to_a_date(self, who: int, currency: str, days: int) -> None:
        until = (usual_settings().today() - timedelta(days=days)).isoformat()
        self._draft(self._connection("employer", who), {"currency": currency, "until": until})

    @rule(who=picks, run=runs, which=picks)
    def take_out(self, who: int, run: int, which: int) -> None:
        run_id = self._run(run)
        lines = sorted(self.model.runs.get(run_id, {"lines": []})["lines"])
        ticket = lines[which % len(lines)] if lines and which % 4 else self._ticket(which)
        self._take_out(self._connection("employer", who), run_id, ticket)

    @rule(who=picks, run=runs)
    def confirm(self, who: int, run: int) -> None:
        self._confirm(self._connection("employer", who), self._run(run))

    @rule(who=picks, run=runs, reference=st.none() | st.just("BANK 7"))
    def pay(self, who: int, run: int, reference: str | None) -> None:
        payment = {"paid_on": usual_settings().today().isoformat()}
        payment |= {"reference": reference} if reference else {}
        self._pay(self._connection("employer", who), self._run(run), payment)

    @rule(who=picks, run=runs, which=st.lists(picks, min_size=1, max_size=2))
    def pay_some(self, who: int, run: int, which: list[int]) -> None:
        run_id = self._run(run)
        lines = sorted(self.model.runs.get(run_id, {"lines": []})["lines"]) or [self._ticket(0)]
        chosen = sorted({lines[pick % len(lines)] for pick in which})
        payment = {"paid_on": usual_settings().today().isoformat(), "tickets": chosen}
        self._pay(self._connection("employer", who), run_id, payment)

    @rule(who=picks, run=runs, reason=reasons, status=st.sampled_from(["cancelled", "voided"]))
    def end_a_run(self, who: int, run: int, reason: str, status: str) -> None:
        self._end_run(self._connection("employer", who), self._run(run), status, reason)

    # What is not for them to do

    @rule(who=picks, role=roles, which=picks, amount=st.sampled_from(WRONG_AMOUNTS))
    def send_a_wrong_amount(self, who: int, role: str, which: int, amount: str) -> None:
        token = self._connection(role, who)
        self._file(token, {"amount": amount}, is_valid=False)
        self._edit(token, self._ticket(which), {"amount": amount}, is_valid=False)

    @rule(who=picks, which=picks, email=emails)
    def overstep(self, who: int, which: int, email: str) -> None:
        """An employee as an employer, and the other way round."""
        employee, employer = self._connection("employee", who), self._connection("employer", who)
        self._do_as_an_employer(employee, self._ticket(which), email)
        self._do_as_an_employee(employer, self._ticket(which))

    @precondition(lambda self: self.model.ended)
    @rule(which=picks, email=emails)
    def do_everything_with_a_dead_token(self, which: int, email: str) -> None:
        token = self.model.ended[which % len(self.model.ended)]
        self._do_as_an_employer(token, self._ticket(which), email)
        self._do_as_an_employee(token, self._ticket(which))
        self._log_out(token)

    # After every step

    @invariant()
    def everybody_sees_their_tickets(self) -> None:
        for token, actor in self._one_session_each():
            answer = self.application.call(token, "GET", "/tickets", params={"limit": 100})
            shown = [pages.ticket(item) for item in answer.json()["items"]]
            assert shown == self.model.visible(actor), (actor, shown)

    @invariant()
    def the_history_tells_of_every_change_and_of_nothing_else(self) -> None:
        told = self.application.events()
        assert told == self.model.events, (told[-3:], self.model.events[-3:])

    @invariant()
    def payments_are_consistent(self) -> None:
        assert self.application.inconsistencies() == []
        for ticket_id, run_id, is_paid in self.application.lines():
            run = self.model.run_of(ticket_id)
            expected = run and (run["id"], run["lines"][ticket_id])
            assert (run_id, is_paid) == expected, (ticket_id, run_id, is_paid, expected)

    @invariant()
    def one_after_the_other_sees_all_the_rest(self) -> None:
        """Not everybody at every step: pages take longer than lists."""
        self.steps += 1
        sessions = self._one_session_each()
        if not sessions:
            return
        token, actor = sessions[self.steps % len(sessions)]
        tickets = self.model.visible(actor)
        if actor["role"] == "employee":
            self._look_as_an_employee(token, tickets)
        else:
            self._look_as_an_employer(token, tickets)
        if self.model.tickets:
            newest_first = sorted(self.model.tickets, reverse=True)
            self._look_at_a_history(token, actor, newest_first[self.steps % len(newest_first)])

    @invariant()
    def dead_tokens_stay_dead(self) -> None:
        for token in self.model.ended[-2:]:
            self._check(self.application.call(token, "GET", "/me"), NOT_LOGGED_IN)


class StateMachine(TestCase):
    def test_whatever_people_do_everybody_sees_what_they_should(self) -> None:
        run_state_machine_as_test(ExpensesMachine, settings=SHORT)
