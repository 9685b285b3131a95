"""What people do in their browsers. Locust runs this, in a process of its own."""

import json
import os
import random
import re
import time
from pathlib import Path
from statistics import mean
from typing import Any

from locust import FastHttpUser, between, task

CROWD = json.loads(Path(os.environ["CROWD"]).read_text())
NEW_TICKET = {
    "spent_on": "2026-01-15",
    "currency": "EUR",
    "category": "meals",
    "description": "Lunch in Lisbon, for the workshop with Northwind",
    # They really mean it, even if it looks like another one.
    "confirm": "1",
}


class Browser(FastHttpUser):
    abstract = True
    wait_time = between(*CROWD["reading"])
    cookies: list[str]

    def on_start(self) -> None:
        """Open a connection; nobody begins in the same moment as the others."""
        self.headers = {"Cookie": self.cookies.pop(), "Accept": "text/html", "Origin": self.host}
        self.open("/nginx-health", status=204)
        time.sleep(random.uniform(0, mean(CROWD["reading"])))  # noqa: S311

    def open(
        self,
        path: str,
        name: str | None = None,
        form: dict[str, Any] | None = None,
        status: int = 200,
    ) -> str:
        """Return the page; any other answer counts as an error."""
        with self.client.request(
            "POST" if form else "GET",
            path,
            name=name,
            data=form,
            headers=self.headers,
            allow_redirects=False,
            catch_response=True,
        ) as answer:
            if answer.status_code != status:
                answer.failure(f"{answer.status_code} instead of {status}: {answer.error}")
            return answer.text or ""


class Employee(Browser):
    cookies = CROWD["employees"]
    fixed_count = len(cookies)

    @task(5)
    def my_tickets(self) -> None:
        page = self.open("/tickets", "My tickets")
        self.tickets = re.findall(r'href="/tickets/(\d+)"', page)

    @task(3)
    def ticket(self) -> None:
        if tickets := getattr(self, "tickets", []):
            self.open(f"/tickets/{random.choice(tickets)}", "ticket")  # noqa: S311
        else:
            self.my_tickets()

    @task(2)
    def new_ticket(self) -> None:
        self.open("/tickets?new=1", "new ticket")

    @task(1)
    def file(self) -> None:
        amount = f"{random.randint(100, 99999) / 100:.2f}"  # noqa: S311
        self.open("/tickets", "file a ticket", NEW_TICKET | {"amount": amount}, 303)


class Employer(Browser):
    cookies = CROWD["employers"]
    fixed_count = len(cookies)

    @task(5)
    def queue(self) -> None:
        self.open("/admin/ticket/list?status=pending", "console queue")

    @task(3)
    def ticket(self) -> None:
        ticket = random.choice(CROWD["pending"])  # noqa: S311
        self.open(f"/admin/ticket/details/{ticket}", "console ticket")

    @task(3)
    def approve(self) -> None:
        # Each ticket can be decided once.
        self.open(
            f"/admin/ticket/{CROWD['pending'].pop()}/approve", "decision", {"reason": ""}, 303
        )

    @task(2)
    def receipt(self) -> None:
        self.open(f"{CROWD['receipt']}/preview", "receipt")

    @task(1)
    def overview(self) -> None:
        self.open("/admin/overview", "overview")
