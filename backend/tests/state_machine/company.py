"""What the model of the application knows, and who sees what of it."""

from typing import Any

Answer = tuple[int, str | None]
Person = dict[str, Any]
Ticket = dict[str, Any]
Run = dict[str, Any]

DONE: Answer = (200, None)
CREATED: Answer = (201, None)
GONE: Answer = (204, None)
NOT_LOGGED_IN: Answer = (401, "not-logged-in")
FORBIDDEN: Answer = (403, "forbidden")
OWN_TICKET: Answer = (403, "own-ticket")
NOT_FOUND: Answer = (404, "not-found")
INVALID: Answer = (422, "invalid-input")
NOTHING_DUE: Answer = (409, "nothing-due")
ALREADY_DECIDED: Answer = (409, "already-decided")
NOT_PENDING: Answer = (409, "not-pending")

STATUSES = ("pending", "approved", "denied", "withdrawn")
DECIDED = ("approved", "denied")
ACTIVE = ("draft", "confirmed", "paid")
FIXED = ("confirmed", "paid")


class Company:
    """People, tickets, runs and events, as plain dicts."""

    def __init__(self) -> None:
        self.people: dict[int, Person] = {}
        self.sessions: dict[str, int] = {}
        self.ended: list[str] = []
        self.tickets: dict[int, Ticket] = {}
        self.keys: dict[tuple[int, str], tuple[dict[str, Any], int]] = {}
        self.runs: dict[int, Run] = {}
        # As (action, actor, ticket, user, details).
        self.events: list[tuple[str, int, int | None, int | None, dict[str, Any]]] = []

    # Reading

    def actor(self, token: str) -> Person | None:
        return self.people.get(self.sessions.get(token, 0))

    def visible(self, actor: Person) -> list[Ticket]:
        """The newest first."""
        return [
            ticket
            for _, ticket in sorted(self.tickets.items(), reverse=True)
            if self._sees(actor, ticket)
        ]

    def history(self, ticket_id: int) -> list[tuple[str, int, dict[str, Any]]]:
        return [
            (action, actor_id, details)
            for action, actor_id, ticket, _, details in self.events
            if ticket == ticket_id
        ]

    def _sees(self, actor: Person, ticket: Ticket) -> bool:
        if self.people[ticket["owner"]]["suspended"]:
            return False
        return bool(actor["role"] == "employer") or bool(ticket["owner"] == actor["id"])

    def _record(
        self,
        action: str,
        actor_id: int,
        *,
        ticket: int | None = None,
        user: int | None = None,
        **details: Any,
    ) -> None:
        self.events.append((action, actor_id, ticket, user, details))
