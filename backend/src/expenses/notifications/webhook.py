"""Webhook posts: their JSON body and the headers that sign it."""

import hashlib
import hmac
import json
from typing import Any

from pydantic import SecretStr

from expenses.notifications.outbox import ClaimedMessage
from expenses.tickets.models import TicketStatus
from expenses.users.queries import UserView

_STATUSES = {
    "ticket.approved": TicketStatus.APPROVED,
    "ticket.denied": TicketStatus.DENIED,
    "ticket.reopened": TicketStatus.PENDING,
    "ticket.paid": TicketStatus.APPROVED,
}
_WITHOUT_ACCESS = {"user.suspended", "user.deactivated", "user.erased"}


def body_of(message: ClaimedMessage, *, user: UserView, actor: UserView | None) -> bytes:
    """Build the JSON body, the same for each attempt. Description and reason stay in the house."""
    body: dict[str, Any] = {
        "id": str(message.key),
        "event_id": message.event_id,
        "action": message.action,
        "at": message.created_at.isoformat(),
        "actor": _person(actor) if actor else None,
    }
    if message.action == "payment_run.paid":
        facts = {name: message.facts[name] for name in ("tickets", "amount", "currency")}
        body["payment_run"] = _run(message) | facts
    elif message.ticket_id is None:
        body["user"] = _person(user) | {
            "role": user.role.value,
            "suspended": message.action in _WITHOUT_ACCESS,
        }
    else:
        body["ticket"] = {
            "id": message.ticket_id,
            "status": _STATUSES[message.action],
            "amount": message.facts["amount"],
            "currency": message.facts["currency"],
            "owner": _person(user),
        }
    if message.action == "ticket.paid":
        body["payment_run"] = _run(message)
    return json.dumps(body).encode()


def headers_of(
    message: ClaimedMessage, body: bytes, secret: SecretStr, *, at: int
) -> dict[str, str]:
    """Sign body and time, so that a recorded post cannot be replayed later."""
    return {
        "Expenses-Id": str(message.key),
        "Expenses-Timestamp": str(at),
        "Expenses-Signature": f"sha256={signature(body, secret, at=at)}",
    }


def signature(body: bytes, secret: SecretStr, *, at: int) -> str:
    signed = f"{at}.".encode() + body
    return hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()


def _run(message: ClaimedMessage) -> dict[str, Any]:
    return {"id": message.facts["run_id"], "number": message.facts["run"]}


def _person(user: UserView) -> dict[str, Any]:
    return {"id": user.id, "username": user.username}
