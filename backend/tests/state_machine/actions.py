"""What people do and look at, through the doors and in the model at once."""

from decimal import Decimal
from typing import Any, Literal

import httpx
from hypothesis.stateful import RuleBasedStateMachine

from tests.harness import PASSWORD, ticket_json
from tests.state_machine import pages
from tests.state_machine.application import Application
from tests.state_machine.company import FORBIDDEN, NOT_FOUND, Answer, Person, Ticket
from tests.state_machine.model import Model

Verdict = Literal["approved", "denied"]

# The last pick stands for something that does not exist, or no longer does.
MISSING = 12
UNKNOWN_ID = 10**6


class Actions(RuleBasedStateMachine):
    """Each compares the answer with the model's."""

    def __init__(self) -> None:
        super().__init__()
        self.application, self.model = Application(), Model()
        self.steps = 0

    def teardown(self) -> None:
        self.application.close()

    def _look_as_an_employee(self, token: str, tickets: list[Ticket]) -> None:
        self._check(self.application.call(token, "GET", "/employees"), FORBIDDEN)
        page = self.application.page(token, "/tickets")
        assert pages.own_figures(page) == pages.own_figures_of(tickets, self.model.paid())

    def _look_as_an_employer(self, token: str, tickets: list[Ticket]) -> None:
        answer = self.application.call(token, "GET", "/employees")
        told = {one["email"]: one["suspended"] for one in answer.json()["items"]}
        employees = [one for one in self.model.people.values() if one["role"] == "employee"]
        assert told == {one["email"]: one["suspended"] for one in employees}, told
        queue = self.application.page(token, "/admin/ticket/list?status=all")
        assert pages.queue_figures(queue) == pages.queue_figures_of(tickets, self.model.paid())
        self._look_at_payments(token)
        overview = self.application.page(token, "/admin/overview")
        assert pages.overview_figures(overview) == pages.overview_figures_of(tickets)

    def _look_at_a_history(self, token: str, actor: Person, ticket: int) -> None:
        answer = self.application.call(token, "GET", f"/tickets/{ticket}/history")
        if self.model.tickets[ticket] not in self.model.visible(actor):
            self._check(answer, NOT_FOUND)
            return
        told = [pages.event(item) for item in answer.json()["items"]]
        assert told == self.model.history(ticket), told

    def _do_as_an_employer(self, token: str, ticket: int, email: str) -> None:
        self._decide(token, ticket, "approved", "Mine")
        self._reopen(token, ticket, "Mine")
        self._set_suspended(token, email, None, suspended=True)
        self._set_suspended(token, email, None, suspended=False)
        self._draft(token, {"currency": "USD", "tickets": [ticket]})
        self._confirm(token, self._run(0))

    def _do_as_an_employee(self, token: str, ticket: int) -> None:
        self._file(token, {"amount": "1.00"})
        self._edit(token, ticket, {"amount": "1.00"})
        self._withdraw(token, ticket)

    def _register(self, email: str, role: str) -> None:
        person = {"email": email, "username": email.partition("@")[0], "role": role}
        answer = self.application.call(None, "POST", "/users", json=person | {"password": PASSWORD})
        body = answer.json()
        token, user = body.get("token", ""), body.get("user", {})
        self._check(answer, self.model.register(person, user.get("id", 0), token))

    def _log_in(self, email: str, *, is_right: bool) -> None:
        password = PASSWORD if is_right else PASSWORD.upper()
        answer = self.application.call(
            None, "POST", "/session", json={"email": email, "password": password}
        )
        token = answer.json().get("token", "")
        self._check(answer, self.model.log_in(email, is_right=is_right, new_token=token))

    def _log_out(self, token: str) -> None:
        answer = self.application.call(token, "DELETE", "/session")
        self._check(answer, self.model.log_out(token))

    def _set_suspended(
        self, token: str, email: str, reason: str | None, *, suspended: bool
    ) -> None:
        ids = [one["id"] for one in self.model.people.values() if one["email"] == email]
        person_id, verb = (ids or [UNKNOWN_ID])[0], "suspend" if suspended else "reactivate"
        body = None if reason is None else {"reason": reason}
        answer = self.application.call(token, "POST", f"/employees/{person_id}/{verb}", json=body)
        expected = self.model.set_suspended(token, person_id, suspended=suspended, reason=reason)
        self._check(answer, expected)

    def _change_role(self, token: str, email: str, role: str) -> None:
        ids = [one["id"] for one in self.model.people.values() if one["email"] == email]
        person_id = (ids or [UNKNOWN_ID])[0]
        answer = self.application.call(
            token, "PUT", f"/users/{person_id}/role", json={"role": role}
        )
        self._check(answer, self.model.change_role(token, person_id, role))

    def _file(
        self, token: str, values: dict[str, Any], key: str | None = None, *, is_valid: bool = True
    ) -> None:
        fields = ticket_json() | values
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = self.application.call(token, "POST", "/tickets", json=fields, headers=headers)
        new_id = answer.json().get("id", 0)
        expected = self.model.file(token, fields, key=key, is_valid=is_valid, new_id=new_id)
        self._check(answer, expected)

    def _edit(
        self, token: str, ticket: int, values: dict[str, Any], *, is_valid: bool = True
    ) -> None:
        answer = self.application.call(token, "PATCH", f"/tickets/{ticket}", json=values)
        self._check(answer, self.model.edit(token, ticket, values, is_valid=is_valid))

    def _withdraw(self, token: str, ticket: int) -> None:
        answer = self.application.call(token, "POST", f"/tickets/{ticket}/withdraw")
        self._check(answer, self.model.withdraw(token, ticket))

    def _decide(self, token: str, ticket: int, verdict: Verdict, reason: str) -> None:
        verb = "approve" if verdict == "approved" else "deny"
        answer = self.application.call(
            token, "POST", f"/tickets/{ticket}/{verb}", json={"reason": reason}
        )
        self._check(answer, self.model.decide(token, ticket, verdict, reason))

    def _reopen(self, token: str, ticket: int, reason: str) -> None:
        answer = self.application.call(
            token, "POST", f"/tickets/{ticket}/reopen", json={"reason": reason}
        )
        self._check(answer, self.model.reopen(token, ticket, reason))

    # Payment runs

    def _draft(self, token: str, wanted: dict[str, Any]) -> None:
        answer = self.application.call(token, "POST", "/payment-runs", json=wanted)
        body = answer.json()
        new_id, number = body.get("id", 0), body.get("number", "")
        self._check(answer, self.model.draft(token, wanted, new_id, number))

    def _take_out(self, token: str, run: int, ticket: int) -> None:
        answer = self.application.call(token, "DELETE", f"/payment-runs/{run}/tickets/{ticket}")
        self._check(answer, self.model.take_out(token, run, ticket))

    def _confirm(self, token: str, run: int) -> None:
        answer = self.application.call(token, "POST", f"/payment-runs/{run}/confirm")
        self._check(answer, self.model.confirm(token, run))

    def _pay(self, token: str, run: int, payment: dict[str, Any]) -> None:
        answer = self.application.call(token, "POST", f"/payment-runs/{run}/pay", json=payment)
        self._check(answer, self.model.pay(token, run, payment))

    def _end_run(self, token: str, run: int, status: str, reason: str) -> None:
        verb = "void" if status == "voided" else "cancel"
        body = {"reason": reason}
        answer = self.application.call(token, "POST", f"/payment-runs/{run}/{verb}", json=body)
        self._check(answer, self.model.end(token, run, status, reason))

    def _look_at_payments(self, token: str) -> None:
        answer = self.application.call(token, "GET", "/payment-runs", params={"limit": 100})
        told = {
            run["id"]: (run["status"], run["tickets"], run["paid_tickets"])
            for run in answer.json()["items"]
        }
        runs = {
            run_id: (run["status"], len(run["lines"]), sum(run["lines"].values()))
            for run_id, run in self.model.runs.items()
        }
        assert told == runs, (told, runs)
        due = self.application.call(token, "GET", "/payment-runs/due").json()["items"]
        told_due = {one["currency"]: (one["tickets"], Decimal(one["amount"])) for one in due}
        assert told_due == self.model.due(), (told_due, self.model.due())

    # Whose, and which

    def _connection(self, role: str, pick: int) -> str:
        of_role = [
            token
            for token, user_id in self.model.sessions.items()
            if self.model.people[user_id]["role"] == role
        ]
        if not of_role or (pick == MISSING and self.model.ended):
            return self.model.ended[-1] if self.model.ended else "a token of nobody"
        return of_role[pick % len(of_role)]

    def _ticket(self, pick: int) -> int:
        """The newest come first."""
        ids = sorted(self.model.tickets, reverse=True)
        return ids[pick % len(ids)] if pick < MISSING else UNKNOWN_ID

    def _run(self, pick: int) -> int:
        """The newest come first."""
        ids = sorted(self.model.runs, reverse=True)
        return ids[pick % len(ids)] if ids and pick < MISSING else UNKNOWN_ID

    def _owner_or_another(self, ticket: int, pick: int) -> str:
        """Mostly the owner, where they are logged in."""
        owner = self.model.tickets.get(ticket, {}).get("owner")
        of_owner = [token for token, user_id in self.model.sessions.items() if user_id == owner]
        return of_owner[-1] if of_owner and pick % 4 else self._connection("employee", pick)

    def _one_session_each(self) -> list[tuple[str, Person]]:
        """The last one of everybody who is logged in."""
        tokens = {user_id: token for token, user_id in self.model.sessions.items()}
        return [(token, self.model.people[user_id]) for user_id, token in tokens.items()]

    def _check(self, answer: httpx.Response, expected: Answer) -> None:
        code = answer.json()["code"] if answer.is_error else None
        assert (answer.status_code, code) == expected, (answer.text, expected)
