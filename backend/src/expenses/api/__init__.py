"""The JSON door, for programs and for the pages' own scripts."""

from fastapi import APIRouter

from expenses.api import account, docs, employees, tickets, users

router = APIRouter(prefix="/api")
router.include_router(users.router)
router.include_router(account.router)
router.include_router(tickets.router)
router.include_router(employees.router)
router.include_router(docs.router)
