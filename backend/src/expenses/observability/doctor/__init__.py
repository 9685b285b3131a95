"""Checks of an installation, each with the way to fix what is wrong. They change and send nothing.

Findings never contain a password or a secret.
"""

import asyncio
from collections.abc import Awaitable, Iterator

from expenses.errors import ExpensesError
from expenses.observability.doctor import database, mail, webhook
from expenses.observability.doctor.findings import Finding, problem
from expenses.observability.doctor.settings import check_settings
from expenses.settings import Settings, read_usable_settings

__all__ = ["Finding", "examine"]

# For each of the checks, which run side by side.
SECONDS = 10


async def examine(*, workers: int) -> list[Finding]:
    """Check everything for a server with this many processes on all machines together."""
    settings, unusable = read_usable_settings()
    findings = check_settings(settings, unusable)
    for found in await asyncio.gather(*_parts(settings, workers)):
        findings += found
    return findings


def _parts(settings: Settings, workers: int) -> Iterator[Awaitable[list[Finding]]]:
    yield _within_limits("database", database.check_database(settings, workers=workers))
    if settings.smtp_url is not None:
        yield _within_limits("mail server", mail.check_mail_server(settings))
    if settings.webhook_url is not None:
        yield _within_limits("webhook", webhook.check_webhook(settings.webhook_url))


async def _within_limits(part: str, check: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        async with asyncio.timeout(SECONDS):
            return await check
    except TimeoutError:
        return [
            problem(
                part,
                f"does not answer within {SECONDS} seconds.",
                "Check the address, and whether a firewall is in the way.",
            )
        ]
    except ExpensesError as error:
        finding, _, remedy = error.message.partition(". ")
        return [problem(part, f"{finding.rstrip('.')}.", remedy or "Set it right and try again.")]
    except Exception as error:
        # Its text is not repeated: it might quote the address with the password.
        return [
            problem(
                part,
                f"cannot be looked at ({type(error).__name__}).",
                "Check the address for parts that do not belong there.",
            )
        ]
