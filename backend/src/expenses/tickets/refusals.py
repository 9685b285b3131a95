"""Why a ticket can no longer be changed or decided, with who was faster, when and why."""

from expenses.errors import AlreadyDecided, Conflict, NotPending
from expenses.i18n.text import N_
from expenses.tickets.models import TicketStatus
from expenses.tickets.queries import TicketView

_SENTENCES = {
    TicketStatus.APPROVED: N_("Ticket %(id)s was already approved by %(by)s."),
    TicketStatus.DENIED: N_("Ticket %(id)s was already denied by %(by)s: %(reason)s"),
    TicketStatus.WITHDRAWN: N_("Ticket %(id)s was withdrawn."),
}


def no_longer_pending(ticket: TicketView, kind: type[Conflict]) -> Conflict:
    """`details` of the error hold the ticket as it is now."""
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
