"""The JSON door, for programs and for the pages' own scripts."""

from fastapi import FastAPI

from expenses.api import account, docs, employees, tickets, users


def mount(app: FastAPI) -> None:
    # One router after the other is asked whether it knows an address: the busiest comes first,
    # and none lies inside another one, which would ask twice.
    for part in (tickets, employees, users, account, docs):
        app.include_router(part.router, prefix="/api")
