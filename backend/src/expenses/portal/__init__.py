"""The employees' door: pages that work in any browser, with or without scripts."""

from fastapi import APIRouter

from expenses.portal import export, language, login, tickets

router = APIRouter(include_in_schema=False)
router.include_router(language.router)
router.include_router(login.router)
# Before the tickets, whose pages' addresses would match its own.
router.include_router(export.router)
router.include_router(tickets.router)
