"""Checks of an installation, for `expenses doctor`. They leave nothing behind and send nothing."""

import asyncio
from collections.abc import Awaitable

from expenses.errors import ExpensesError
from expenses.observability.doctor.database import check_database
from expenses.observability.doctor.findings import Finding
from expenses.observability.doctor.messages import check_mail_server, check_webhook
from expenses.observability.doctor.replica import check_replica
from expenses.observability.doctor.settings import SETTINGS_CHECKS
from expenses.observability.doctor.storage import check_storage
from expenses.settings import Settings

__all__ = ["Finding", "examine"]

# For the database, its replica, the storage, the mail server and the webhook each.
SECONDS = 10


async def examine(settings: Settings, *, workers: int) -> list[Finding]:
    """Check everything for a server with this many processes on all machines together."""
    findings = [check(settings) for check in SETTINGS_CHECKS]
    servers = [
        _within_limits("database", check_database(settings, workers=workers)),
        _within_limits("storage of receipts", check_storage(settings, workers=workers)),
    ]
    if settings.database_url is not None and settings.database_replica_url is not None:
        check = check_replica(settings.database_replica_url, settings.database_url)
        servers.append(_within_limits("replica", check))
    if settings.smtp_url is not None:
        servers.append(_within_limits("mail server", check_mail_server(settings)))
    if settings.webhook_url is not None:
        servers.append(_within_limits("webhook", check_webhook(settings.webhook_url)))
    for found in await asyncio.gather(*servers):
        findings += found
    return findings


async def _within_limits(name: str, check: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        async with asyncio.timeout(SECONDS):
            return await check
    except TimeoutError:
        sentence = f"does not answer within {SECONDS} seconds. Check its address, and firewalls."
        return [Finding("problem", f"The {name} {sentence}")]
    except ExpensesError as error:
        return [Finding("problem", error.message)]
    except Exception as error:
        # Its text might quote the address with the password.
        sentence = f"cannot be checked ({type(error).__name__}). Check its address."
        return [Finding("problem", f"The {name} {sentence}")]
