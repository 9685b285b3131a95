"""The JSON door, for programs and for the pages' own scripts."""

from fastapi import FastAPI

from expenses.api import account, docs, employees, tickets, users


def mount(app: FastAPI) -> None:
    # One route after the other is asked whether it knows an address: the busiest come first, and
    # not inside of a router of their own, which would ask them twice.
    app.router.routes.extend(tickets.direct.routes)
    for part in (tickets, employees, users, account, docs):
        app.router.routes.extend(part.router.routes)
