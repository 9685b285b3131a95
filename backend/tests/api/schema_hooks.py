"""For schemathesis: who asks, and what the schema cannot say of what is right.

`SCHEMA_EMAIL` names the user; the password is that of the tests.
"""

import os
import re
from typing import Any

import httpx
import schemathesis
from schemathesis import Case, GenerationMode, HookContext

from tests.harness import PASSWORD

CLIENT = httpx.Client()
ANOTHER_PASSWORD = "a rarer horse 8"
PAYOUT = {
    "iban": "DE89 3704 0044 0532 0130 00",
    "bic": None,
    "account": None,
    "bank": None,
    "password": PASSWORD,
}


@schemathesis.auth(refresh_interval=None)
class LoggedIn:
    """Anew whenever the session was ended, which is among the things that are tried."""

    token = "none yet"

    def get(self, case: Case[Any], _context: Any) -> str:
        address = f"{case.operation.base_url}".rstrip("/")
        headers = {"Authorization": f"Bearer {LoggedIn.token}"}
        if CLIENT.get(f"{address}/api/me", headers=headers).status_code != 200:
            log_in = {"email": os.environ["SCHEMA_EMAIL"], "password": PASSWORD}
            LoggedIn.token = CLIENT.post(f"{address}/api/session", json=log_in).json()["token"]
        return LoggedIn.token

    def set(self, case: Case[Any], data: str, _context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], **_: Any) -> None:
    """Of what the schema allows, what the sentences beside it do not."""
    # Made-up headers that belong to the connection, or are none, never reach the application.
    for name in [name for name in case.headers or () if not _is_for_the_application(name)]:
        case.headers.pop(name)
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if isinstance(case.query, dict):
        # A cursor comes from an answer, a name is somebody's, ranges go upwards.
        for name in ("cursor", "employee", "to", "max", "from"):
            case.query.pop(name, None)
    if isinstance(case.body, dict):
        _replace(
            case.body,
            {
                "spent_on": "2026-01-02",
                "paid_on": "2026-01-02",
                "email": "somebody@contoso.example",
                "old": PASSWORD,
                "new": PASSWORD,
                "password": ANOTHER_PASSWORD,
            },
        )
        if "holder" in case.body:
            # Either an IBAN or an account, whose numbers are checked.
            case.body.update(PAYOUT)
        if case.operation.path == "/api/me/email":
            # Whoever asks is found by theirs, so they keep it.
            case.body.update(email=os.environ["SCHEMA_EMAIL"], password=PASSWORD)
        if "scopes" in case.body:
            # Not every role may ask for every scope.
            case.body.update(scopes=["read"], password=PASSWORD)
    if case.headers:
        # The same key with another ticket is refused.
        case.headers.pop("idempotency-key", None)


def _is_for_the_application(header: str) -> bool:
    # A site answers under its own names only, and a body is as long as it is.
    if header.lower() in {"host", "content-length", "transfer-encoding", "expect", "connection"}:
        return False
    return re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", header, re.ASCII) is not None


def _replace(values: Any, right: dict[str, Any]) -> None:
    values.update({name: value for name, value in right.items() if values.get(name) is not None})
