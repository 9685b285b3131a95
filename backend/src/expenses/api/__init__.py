"""The JSON door, for programs and for the pages' own scripts."""

from fastapi import FastAPI

from expenses.api import account, docs, employees, tickets, users

TAGS = [
    {"name": "tickets", "description": "One purchase each: filing, reading, changing, deciding."},
    {"name": "employees", "description": "For employers: listing, suspending, reactivating."},
    {"name": "users", "description": "Registering, logging in and out, and who one is."},
    {"name": "account", "description": "One's own name, password, mails, and sessions."},
    {"name": "health", "description": "For whoever watches the servers."},
]


def mount(app: FastAPI) -> None:
    for part in (tickets, employees, users, account, docs):
        app.include_router(part.router)
