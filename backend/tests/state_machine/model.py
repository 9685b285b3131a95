"""What the application is to do, as a few plain dicts: no database, no doors, one at a time."""

from decimal import Decimal
from typing import Any, Literal

from tests.state_machine.company import (
    ALREADY_DECIDED,
    CREATED,
    DECIDED,
    DONE,
    FIXED,
    FORBIDDEN,
    GONE,
    INVALID,
    NOT_FOUND,
    NOT_LOGGED_IN,
    NOT_PENDING,
    OWN_TICKET,
    Answer,
    Person,
)
from tests.state_machine.payments import Payments


class Model(Payments):
    """Each action says what the answer has to be, and does it where that is a success.

    Whatever only the application can know, such as the id of a new ticket, comes as `new_…`.
    """

    # Users

    def register(self, person: dict[str, str], new_id: int, new_token: str) -> Answer:
        if self._called(person["email"]):
            return 409, "email-taken"
        self.people[new_id] = {"id": new_id, "suspended": False} | person
        self.sessions[new_token] = new_id
        self._record("user.registered", new_id, user=new_id, role=person["role"])
        return CREATED

    def log_in(self, email: str, *, is_right: bool, new_token: str) -> Answer:
        person = self._called(email)
        if person is None:
            return 404, "not-registered"
        if not is_right:
            return 401, "wrong-password"
        if person["suspended"]:
            return 403, "suspended"
        self.sessions[new_token] = person["id"]
        return DONE

    def log_out(self, token: str) -> Answer:
        if self.actor(token) is None:
            return NOT_LOGGED_IN
        self._end(token)
        return GONE

    def set_suspended(
        self, token: str, person_id: int, *, suspended: bool, reason: str | None
    ) -> Answer:
        actor, person = self.actor(token), self.people.get(person_id)
        if actor is None:
            return NOT_LOGGED_IN
        if actor["role"] != "employer":
            return FORBIDDEN
        if person is None or person["role"] != "employee":
            return NOT_FOUND
        if person["suspended"] is suspended:
            return 409, "already-suspended" if suspended else "not-suspended"
        person["suspended"] = suspended
        details: dict[str, Any] = {"reason": reason}
        if suspended:
            open_here = [token for token, owner in self.sessions.items() if owner == person_id]
            for token in open_here:
                self._end(token)
            details["sessions_ended"] = len(open_here)
            taken_out = self._take_all_out(actor, person_id)
            details |= {"taken_out_of_payment_runs": taken_out} if taken_out else {}
            hidden = self._hidden(person_id)
            details |= {"hidden": hidden} if hidden else {}
        verb = "suspended" if suspended else "reactivated"
        self._record(f"user.{verb}", actor["id"], user=person_id, **details)
        return DONE

    def change_role(self, token: str, person_id: int, role: str) -> Answer:
        actor, person = self.actor(token), self.people.get(person_id)
        if actor is None:
            return NOT_LOGGED_IN
        if actor["role"] != "employer":
            return FORBIDDEN
        if person is None:
            return NOT_FOUND
        if person["role"] == role:
            return 409, "role-unchanged"
        if person["suspended"]:
            return 409, "already-suspended"
        employers = [one for one in self.people.values() if one["role"] == "employer"]
        if role == "employee" and len(employers) == 1:
            return 409, "last-employer"
        person["role"] = role
        self._record("user.role_changed", actor["id"], user=person_id, role=role, reason=None)
        return DONE

    # Tickets

    def file(
        self, token: str, fields: dict[str, Any], *, key: str | None, is_valid: bool, new_id: int
    ) -> Answer:
        """Afterwards `new_id` is there, for a repeated key as before."""
        actor = self.actor(token)
        if actor is None:
            return NOT_LOGGED_IN
        if not is_valid:
            return INVALID
        if actor["role"] != "employee":
            return FORBIDDEN
        if key is not None:
            first, ticket_id = self.keys.setdefault((actor["id"], key), (fields, new_id))
            if first != fields:
                return 422, "idempotency-key-reused"
            if ticket_id in self.tickets:
                assert ticket_id == new_id, "A repeated key has made a second ticket."
                return CREATED
        assert new_id not in self.tickets, "Two tickets have one id."
        self.tickets[new_id] = {
            "id": new_id,
            "owner": actor["id"],
            "status": "pending",
            "decision": None,
            **fields,
        }
        self._record("ticket.created", actor["id"], ticket=new_id, **fields)
        return CREATED

    def edit(
        self, token: str, ticket_id: int, changes: dict[str, Any], *, is_valid: bool
    ) -> Answer:
        actor = self.actor(token)
        if actor is not None and not is_valid:
            return INVALID
        refusal = self._refuse_change(actor, ticket_id)
        if actor is None or refusal:
            return refusal or NOT_LOGGED_IN
        ticket = self.tickets[ticket_id]
        after = {name: value for name, value in changes.items() if ticket[name] != value}
        before = {name: ticket[name] for name in after}
        if after:
            ticket |= after
            self._record("ticket.edited", actor["id"], ticket=ticket_id, before=before, after=after)
        return DONE

    def withdraw(self, token: str, ticket_id: int) -> Answer:
        actor = self.actor(token)
        refusal = self._refuse_change(actor, ticket_id)
        if actor is None or refusal:
            return refusal or NOT_LOGGED_IN
        self.tickets[ticket_id]["status"] = "withdrawn"
        self._record("ticket.withdrawn", actor["id"], ticket=ticket_id)
        return DONE

    def decide(
        self,
        token: str,
        ticket_id: int,
        status: Literal["approved", "denied"],
        reason: str | None,
    ) -> Answer:
        actor = self.actor(token)
        refusal = self._refuse_decision(actor, ticket_id)
        if actor is None or refusal:
            return refusal or NOT_LOGGED_IN
        ticket = self.tickets[ticket_id]
        if ticket["status"] == "withdrawn":
            return NOT_PENDING
        if ticket["status"] != "pending":
            return ALREADY_DECIDED
        ticket |= {"status": status, "decision": {"by": actor["id"], "reason": reason}}
        self._record(f"ticket.{status}", actor["id"], ticket=ticket_id, reason=reason)
        return DONE

    def reopen(self, token: str, ticket_id: int, reason: str) -> Answer:
        actor = self.actor(token)
        refusal = self._refuse_decision(actor, ticket_id)
        if actor is None or refusal:
            return refusal or NOT_LOGGED_IN
        ticket = self.tickets[ticket_id]
        undone = ticket["status"]
        if undone not in DECIDED:
            return 409, "not-decided"
        run = self.run_of(ticket_id)
        if run and run["status"] in FIXED:
            return 409, "in-payment-run"
        if run:
            self._take_out(actor, run, ticket_id)
        ticket |= {"status": "pending", "decision": None}
        self._record("ticket.reopened", actor["id"], ticket=ticket_id, reason=reason, undone=undone)
        return DONE

    def decide_many(
        self,
        token: str,
        ticket_ids: list[int],
        status: Literal["approved", "denied"],
        reason: str,
        *,
        changed: set[int],
    ) -> int | None:
        """How many are decided: what is pending, and not `changed` since it was seen.

        None where nobody is logged in.
        """
        actor = self.actor(token)
        if actor is None:
            return None
        answers = [
            self.decide(token, ticket_id, status, reason)
            for ticket_id in sorted(ticket_ids)
            if ticket_id not in changed
        ]
        return answers.count(DONE)

    # Rules

    def _refuse_change(self, actor: Person | None, ticket_id: int) -> Answer | None:
        if actor is None:
            return NOT_LOGGED_IN
        ticket = self.tickets.get(ticket_id)
        if ticket is None or not self._sees(actor, ticket):
            return NOT_FOUND
        if ticket["owner"] != actor["id"]:
            return FORBIDDEN
        return None if ticket["status"] == "pending" else NOT_PENDING

    def _refuse_decision(self, actor: Person | None, ticket_id: int) -> Answer | None:
        if actor is None:
            return NOT_LOGGED_IN
        if actor["role"] != "employer":
            return FORBIDDEN
        ticket = self.tickets.get(ticket_id)
        if ticket is None or not self._sees(actor, ticket):
            return NOT_FOUND
        return OWN_TICKET if ticket["owner"] == actor["id"] else None

    def _hidden(self, person_id: int) -> list[dict[str, Any]]:
        """What a suspension hides, by currency."""
        theirs = [one for one in self.tickets.values() if one["owner"] == person_id]
        found = []
        for currency in sorted({one["currency"] for one in theirs}):
            amounts = [Decimal(one["amount"]) for one in theirs if one["currency"] == currency]
            approved = [
                Decimal(one["amount"])
                for one in theirs
                if one["currency"] == currency and one["status"] == "approved"
            ]
            found.append(
                {
                    "currency": currency,
                    "tickets": len(amounts),
                    "amount": f"{sum(amounts):.2f}",
                    "approved_tickets": len(approved),
                    "approved_amount": f"{sum(approved):.2f}",
                }
            )
        return found

    def _called(self, email: str) -> Person | None:
        called = [one for one in self.people.values() if one["email"].lower() == email.lower()]
        return called[0] if called else None

    def _end(self, token: str) -> None:
        del self.sessions[token]
        self.ended.append(token)
