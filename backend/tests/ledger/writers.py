"""Who files and decides, and the ledger: what they were told had happened."""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from PIL import Image

from tests.harness import PASSWORD, ticket_json
from tests.receipts.documents import encoded

EMPLOYEES, EMPLOYERS = 4, 2
# What is answered when a write is not carried out for now; anything else is an answer for good.
TRY_AGAIN = 503
# Looking into a file takes much longer than all the rest.
TICKETS_PER_RECEIPT = 10


@dataclass(frozen=True)
class Decision:
    """Whoever won; the reasons are all different, so that each names its request."""

    status: str
    by: int
    reason: str


@dataclass
class Ledger:
    # The key of every ticket that was sent, and the number that its sender was told.
    sent: set[str] = field(default_factory=set)
    filed: dict[str, int] = field(default_factory=dict)
    # By ticket, as every employer was told, the winner and those that were late.
    decided: dict[int, set[Decision]] = field(default_factory=dict)
    # By ticket, the SHA-256 of every receipt that was added and not removed.
    receipts: dict[int, set[str]] = field(default_factory=dict)
    undecided: list[int] = field(default_factory=list)
    # By payment run: how it ended, and with how many tickets.
    runs: dict[int, tuple[str, int]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


class Writer:
    """Somebody who does not give up before there is an answer."""

    def __init__(self, address: str, ledger: Ledger) -> None:
        self.ledger = ledger
        # Longer than the server ever takes: no answer is then no answer.
        self._client = httpx.AsyncClient(base_url=address, timeout=30)
        self.id = 0

    async def register(self, name: str, role: str) -> None:
        account = {
            "email": f"{name}@contoso.example",
            "username": name,
            "password": PASSWORD,
            "role": role,
        }
        answer = await self._client.post("/api/users", json=account)
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["user"]["id"]
        self._client.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    async def close(self) -> None:
        await self._client.aclose()

    async def look(self) -> int:
        """The status of an answer to a plain question; 0 for none."""
        try:
            return (await self._client.get("/api/tickets")).status_code
        except httpx.TransportError:
            return 0

    async def file(self) -> None:
        key = str(uuid4())
        self.ledger.sent.add(key)
        answer = await self._send(
            "/api/tickets", json=ticket_json(description=key), headers={"Idempotency-Key": key}
        )
        assert answer.status_code == 201, (answer.status_code, answer.text)
        ticket: int = answer.json()["id"]
        self.ledger.filed[key] = ticket
        if len(self.ledger.filed) % TICKETS_PER_RECEIPT == 2:
            await self._add_receipts(ticket)
        # Twice, so that two employers meet over it.
        self.ledger.undecided += [ticket, ticket]

    async def decide(self) -> None:
        if not self.ledger.undecided:
            return
        ticket = self.ledger.undecided.pop(0)
        verb, reason = random.choice(["approve", "deny"]), str(uuid4())
        answer = await self._send(f"/api/tickets/{ticket}/{verb}", json={"reason": reason})
        assert answer.status_code in (200, 409), (answer.status_code, answer.text)
        body = answer.json()
        if answer.status_code == 409:
            assert body["code"] == "already-decided", body
            self.ledger.counts["answers that another decision won"] += 1
        told = body["decision"]
        decision = Decision(
            body["status"] if answer.status_code == 200 else body["ticket_status"],
            told["by"]["id"],
            told["reason"],
        )
        if answer.status_code == 200:
            assert decision.reason == reason, (decision, reason)
        self.ledger.decided.setdefault(ticket, set()).add(decision)

    async def _add_receipts(self, ticket: int) -> None:
        """Two, one of which is removed again."""
        path = f"/api/tickets/{ticket}/receipts"
        added = []
        for _ in range(2):
            photo = encoded(Image.frombytes("L", (16, 16), random.randbytes(256)), "PNG")
            answer = await self._send(path, files={"file": ("photo.png", photo)})
            assert answer.status_code == 201, (answer.status_code, answer.text)
            assert answer.json()["sha256"] == hashlib.sha256(photo).hexdigest(), answer.text
            added.append(answer.json())
        kept, removed = added
        answer = await self._send(f"{path}/{removed['id']}", method="DELETE")
        # Not found, where it was removed without an answer.
        assert answer.status_code in (204, 404), (answer.status_code, answer.text)
        self.ledger.receipts[ticket] = {kept["sha256"]}

    async def pay(self) -> None:
        """Whatever is due by now, in one run; a third of them are cancelled."""
        runs, key = "/api/payment-runs", {"Idempotency-Key": str(uuid4())}
        answer = await self._send(runs, json={"currency": "USD"}, headers=key)
        assert answer.status_code in (201, 409), (answer.status_code, answer.text)
        if answer.status_code == 409:
            assert answer.json()["code"] == "nothing-due", answer.text
            return
        run = answer.json()
        day = datetime.now(UTC).date().isoformat()
        ends = random.choice(
            [("paid", "pay", {"paid_on": day})] * 2
            + [("cancelled", "cancel", {"reason": "Not this week"})]
        )
        for _, verb, body in (("confirmed", "confirm", None), ends):
            answer = await self._send(f"{runs}/{run['id']}/{verb}", json=body)
            # It has changed already, where that was done without an answer.
            assert answer.status_code in (200, 409), (answer.status_code, answer.text)
            if answer.status_code == 409:
                assert answer.json()["code"] == "payment-run-changed", answer.text
        self.ledger.runs[run["id"]] = ends[0], run["tickets"]

    async def _send(self, path: str, method: str = "POST", **parts: Any) -> httpx.Response:
        while True:
            self.ledger.counts["writes"] += 1
            try:
                answer = await self._client.request(method, path, **parts)
            except httpx.TransportError:
                self.ledger.counts["writes without an answer"] += 1
            else:
                if answer.status_code != TRY_AGAIN:
                    return answer
                self.ledger.counts["writes told to try again"] += 1
            await asyncio.sleep(random.uniform(0.02, 0.2))


@dataclass
class Staff:
    employees: list[Writer]
    employers: list[Writer]

    async def work(self, goes_on: Callable[[], bool]) -> None:
        """Until the last one has the answer to the last write."""

        async def repeat(act: Callable[[], Any], pause: float = 0.02) -> None:
            while goes_on():
                await act()
                await asyncio.sleep(random.uniform(0, pause))

        async with asyncio.TaskGroup() as tasks:
            for writer in self.employees:
                tasks.create_task(repeat(writer.file))
            for writer in self.employers:
                tasks.create_task(repeat(writer.decide))
                tasks.create_task(repeat(writer.pay, 0.5))

    async def close(self) -> None:
        for writer in self.employees + self.employers:
            await writer.close()


async def register_staff(address: str, ledger: Ledger) -> Staff:
    staff = Staff(
        [Writer(address, ledger) for _ in range(EMPLOYEES)],
        [Writer(address, ledger) for _ in range(EMPLOYERS)],
    )
    for role, writers in (("employee", staff.employees), ("employer", staff.employers)):
        for number, writer in enumerate(writers):
            await writer.register(f"{role}{number}", role)
    return staff
