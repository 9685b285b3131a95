"""What the application is to do with payment runs."""

from decimal import Decimal
from typing import Any

from tests.state_machine.company import (
    ACTIVE,
    CREATED,
    DONE,
    FORBIDDEN,
    GONE,
    INVALID,
    NOT_FOUND,
    NOT_LOGGED_IN,
    NOTHING_DUE,
    OWN_TICKET,
    Answer,
    Company,
    Person,
    Run,
)


class Payments(Company):
    """Each step says what the answer has to be, and does it where that is a success."""

    def due(self) -> dict[str, tuple[int, Decimal]]:
        """By currency: how many approved tickets are in no run, and what they come to."""
        sums: dict[str, tuple[int, Decimal]] = {}
        for ticket_id in self._due():
            ticket = self.tickets[ticket_id]
            number, amount = sums.get(ticket["currency"], (0, Decimal(0)))
            sums[ticket["currency"]] = number + 1, amount + Decimal(ticket["amount"])
        return sums

    def paid(self) -> set[int]:
        return {
            ticket_id
            for run in self.runs.values()
            if run["status"] in ACTIVE
            for ticket_id, is_paid in run["lines"].items()
            if is_paid
        }

    def run_of(self, ticket_id: int) -> Run | None:
        active = [
            run
            for run in self.runs.values()
            if run["status"] in ACTIVE and ticket_id in run["lines"]
        ]
        assert len(active) <= 1, "A ticket is in two runs."
        return active[0] if active else None

    def draft(self, token: str, wanted: dict[str, Any], new_id: int, number: str) -> Answer:
        """`wanted` is what was sent."""
        actor = self.actor(token)
        refusal = self._refuse_payment(actor)
        if actor is None or refusal:
            return refusal or NOT_LOGGED_IN
        chosen = [
            ticket_id
            for ticket_id in self._due()
            if self.tickets[ticket_id]["currency"] == wanted["currency"]
            and self.tickets[ticket_id]["spent_on"] <= wanted.get("until", "9999")
            and ticket_id in wanted.get("tickets", [ticket_id])
        ]
        if not chosen:
            return NOTHING_DUE
        # Whether each of them is paid.
        run = {
            "id": new_id,
            "number": number,
            "status": "draft",
            "lines": dict.fromkeys(chosen, False),
        }
        self.runs[new_id] = run
        self._record_step(actor, "created", run, chosen, "added_to_payment_run")
        return CREATED

    def take_out(self, token: str, run_id: int, ticket_id: int) -> Answer:
        actor, run = self.actor(token), self.runs.get(run_id)
        refusal = self._refuse_step(actor, run, "draft", "confirmed")
        if actor is None or run is None or refusal:
            return refusal or NOT_FOUND
        if run["lines"].get(ticket_id, True):
            return NOT_FOUND
        self._take_out(actor, run, ticket_id)
        return GONE

    def confirm(self, token: str, run_id: int) -> Answer:
        actor, run = self.actor(token), self.runs.get(run_id)
        refusal = self._refuse_step(actor, run, "draft")
        if actor is None or run is None or refusal:
            return refusal or NOT_FOUND
        if not run["lines"]:
            return NOTHING_DUE
        if self._is_ones_own(actor, list(run["lines"])):
            return OWN_TICKET
        run["status"] = "confirmed"
        self._record_step(actor, "confirmed", run, list(run["lines"]), "payment_confirmed")
        return DONE

    def pay(self, token: str, run_id: int, payment: dict[str, Any]) -> Answer:
        """`payment` is what was sent."""
        actor, run = self.actor(token), self.runs.get(run_id)
        refusal = self._refuse_step(actor, run, "confirmed")
        if actor is None or run is None or refusal:
            return refusal or NOT_FOUND
        chosen = payment.get("tickets", [one for one, paid in run["lines"].items() if not paid])
        if self._is_ones_own(actor, [one for one in chosen if run["lines"].get(one) is False]):
            return OWN_TICKET
        if any(run["lines"].get(ticket_id, True) for ticket_id in chosen):
            return INVALID
        if not chosen:
            return NOTHING_DUE
        run["lines"] |= dict.fromkeys(chosen, True)
        details = {"paid_on": payment["paid_on"], "reference": payment.get("reference")}
        self._record_step(actor, "paid", run, sorted(chosen), "paid", **details)
        self._finish(run)
        return DONE

    def end(self, token: str, run_id: int, status: str, reason: str) -> Answer:
        """Cancel a run, or void it."""
        actor, run = self.actor(token), self.runs.get(run_id)
        expected = ("paid",) if status == "voided" else ("draft", "confirmed")
        refusal = self._refuse_step(actor, run, *expected)
        if actor is None or run is None or refusal:
            return refusal or NOT_FOUND
        if status == "cancelled" and any(run["lines"].values()):
            return 409, "partly-paid"
        run["status"] = status
        lines = list(run["lines"])
        self._record_step(actor, status, run, lines, f"payment_{status}", reason=reason)
        return DONE

    def _is_ones_own(self, actor: Person, ticket_ids: list[int]) -> bool:
        return any(self.tickets[ticket_id]["owner"] == actor["id"] for ticket_id in ticket_ids)

    def _due(self) -> list[int]:
        return [
            ticket_id
            for ticket_id, ticket in sorted(self.tickets.items())
            if ticket["status"] == "approved"
            and not self.people[ticket["owner"]]["suspended"]
            and self.run_of(ticket_id) is None
        ]

    def _take_all_out(self, actor: Person, owner_id: int) -> dict[str, int]:
        """How many unpaid tickets of somebody, by the number of their run."""
        taken_out: dict[str, int] = {}
        for run in self.runs.values():
            for ticket_id, paid in list(run["lines"].items()):
                of_owner = self.tickets[ticket_id]["owner"] == owner_id
                if run["status"] in ACTIVE and of_owner and not paid:
                    self._take_out(actor, run, ticket_id)
                    taken_out[run["number"]] = taken_out.get(run["number"], 0) + 1
        return taken_out

    def _take_out(self, actor: Person, run: Run, ticket_id: int) -> None:
        del run["lines"][ticket_id]
        action = "ticket.taken_out_of_payment_run"
        self._record(action, actor["id"], ticket=ticket_id, run=run["number"])
        self._finish(run)

    def _finish(self, run: Run) -> None:
        if run["status"] == "confirmed" and run["lines"] and all(run["lines"].values()):
            run["status"] = "paid"

    def _record_step(
        self,
        actor: Person,
        step: str,
        run: Run,
        lines: list[int],
        of_ticket: str,
        **details: Any,
    ) -> None:
        of_run = {"run": run["number"], "run_id": run["id"], "tickets": len(lines)} | details
        self._record(f"payment_run.{step}", actor["id"], **of_run)
        for ticket_id in lines:
            of_line = {"run": run["number"]} | details
            self._record(f"ticket.{of_ticket}", actor["id"], ticket=ticket_id, **of_line)

    def _refuse_payment(self, actor: Person | None) -> Answer | None:
        if actor is None:
            return NOT_LOGGED_IN
        return None if actor["role"] == "employer" else FORBIDDEN

    def _refuse_step(self, actor: Person | None, run: Run | None, *expected: str) -> Answer | None:
        refusal = self._refuse_payment(actor)
        if refusal or run is None:
            return refusal
        return None if run["status"] in expected else (409, "payment-run-changed")
