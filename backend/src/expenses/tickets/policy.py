"""Who may do what with tickets: `can_*` answers, `ensure_can_*` raises."""

from typing import Protocol

from expenses.errors import AlreadyDecided, Conflict, Forbidden, NotPending, OwnTicket
from expenses.i18n.text import N_
from expenses.tickets.models import TicketStatus
from expenses.tickets.queries import TicketView
from expenses.users.models import Actor, Role


class OwnedTicket(Protocol):
    """What the rules need to know of a ticket."""

    @property
    def owner_id(self) -> int: ...
    @property
    def status(self) -> TicketStatus: ...


def can_create(actor: Actor) -> bool:
    return actor.role is Role.EMPLOYEE


def ensure_can_create(actor: Actor) -> None:
    if not can_create(actor):
        raise Forbidden(N_("Only employees can file tickets."))


def can_change(actor: Actor, ticket: OwnedTicket) -> bool:
    """Say whether `actor` may edit or withdraw it right now."""
    return ticket.owner_id == actor.id and ticket.status is TicketStatus.PENDING


def ensure_owns(actor: Actor, ticket: OwnedTicket) -> None:
    if ticket.owner_id != actor.id:
        raise Forbidden(N_("Only its owner can edit or withdraw a ticket."))


def can_decide(actor: Actor, ticket: OwnedTicket) -> bool:
    """Say whether `actor` may approve or deny it right now."""
    return _may_judge(actor, ticket) and ticket.status is TicketStatus.PENDING


def can_reopen(actor: Actor, ticket: OwnedTicket) -> bool:
    """Say whether `actor` may undo its decision right now."""
    is_decided = ticket.status in (TicketStatus.APPROVED, TicketStatus.DENIED)
    return _may_judge(actor, ticket) and is_decided


def ensure_can_decide(actor: Actor) -> None:
    if actor.role is not Role.EMPLOYER:
        raise Forbidden(N_("Only employers can decide tickets."))


def ensure_not_own(actor: Actor, ticket: OwnedTicket) -> None:
    """Raises `OwnTicket`: employers may have tickets from when they were employees."""
    if ticket.owner_id == actor.id:
        raise OwnTicket()


def _may_judge(actor: Actor, ticket: OwnedTicket) -> bool:
    return actor.role is Role.EMPLOYER and ticket.owner_id != actor.id


_SENTENCES = {
    TicketStatus.APPROVED: N_("Ticket %(id)s was already approved by %(by)s."),
    TicketStatus.DENIED: N_("Ticket %(id)s was already denied by %(by)s: %(reason)s"),
    TicketStatus.WITHDRAWN: N_("Ticket %(id)s was withdrawn."),
}


def no_longer_pending(ticket: TicketView, kind: type[Conflict]) -> Conflict:
    """Make the error that holds the ticket as it is now, in its `details`."""
    return with_ticket(
        kind(
            _SENTENCES[ticket.status],
            id=ticket.id,
            by=ticket.decided_by_username,
            reason=ticket.decision_reason,
        ),
        ticket,
    )


def not_decidable(ticket: TicketView) -> Conflict:
    is_withdrawn = ticket.status is TicketStatus.WITHDRAWN
    return no_longer_pending(ticket, NotPending if is_withdrawn else AlreadyDecided)


def with_ticket(error: Conflict, ticket: TicketView) -> Conflict:
    error.details = {"ticket": ticket}
    return error
