"""The employees' door: pages that work in any browser, with or without scripts."""

from fastapi import APIRouter

from expenses.portal import (
    account,
    export,
    filing,
    importing,
    language,
    login,
    ticket,
    tickets,
)

router = APIRouter(include_in_schema=False)
router.include_router(language.router)
router.include_router(login.router)
router.include_router(account.router)
router.include_router(export.router)
router.include_router(importing.router)
router.include_router(tickets.router)
router.include_router(filing.router)
router.include_router(ticket.router)
