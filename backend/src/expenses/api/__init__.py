"""The JSON door, for programs and for the pages' own scripts."""

from fastapi import FastAPI

from expenses.api import (
    account,
    docs,
    employees,
    employers,
    invitations,
    own_data,
    payment_files,
    payments,
    payout,
    receipts,
    tickets,
    tokens,
    users,
)

TAGS = [
    {
        "name": "tickets",
        "description": "Expense tickets, one purchase each: file, read, edit, decide.",
    },
    {"name": "receipts", "description": "The files that prove a purchase."},
    {"name": "payments", "description": "For employers: what is due, and paying it in runs."},
    {"name": "employees", "description": "For employers: list, suspend and reactivate employees."},
    {"name": "invitations", "description": "For employers: who is invited, and inviting people."},
    {
        "name": "employers",
        "description": "For employers: list, deactivate and activate employers, and change roles.",
    },
    {"name": "users", "description": "Register, log in and out, and see who you are."},
    {
        "name": "account",
        "description": "Your own name, password, payout details, e-mails, sessions and tokens.",
    },
    {"name": "health", "description": "For monitoring."},
]


def mount(app: FastAPI) -> None:
    for part in (
        tickets,
        receipts,
        payments,
        payment_files,
        employees,
        invitations,
        employers,
        users,
        account,
        own_data,
        payout,
        tokens,
        docs,
    ):
        app.include_router(part.router)
