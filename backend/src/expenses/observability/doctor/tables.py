"""Checks of the migrations, and of the role's privileges."""

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database import migrations
from expenses.database.roles import Rights, own_rights
from expenses.observability.doctor.findings import Finding, ok, problem, warning
from expenses.settings import Settings

_AS_OWNER = "with the DATABASE_URL of the role that owns the tables"


async def check_tables(
    connection: AsyncConnection, facts: RowMapping, settings: Settings
) -> list[Finding]:
    """Read only what the role may read: an error would end the transaction."""
    role = facts["role"]
    if facts["schema"] is None or not facts["may_read"]:
        return [
            problem(
                "rights",
                f"the role {role} may not use the tables.",
                f"Run `expenses grant {role}` {_AS_OWNER}.",
            )
        ]
    revision = await migrations.current_revision(connection) if facts["has_tables"] else None
    findings = [_migrations(revision, settings)]
    # The embedded PostgreSQL has one role, on a private socket.
    if revision is not None and settings.database_url is not None:
        findings.append(_rights(role, await own_rights(connection)))
    return findings


def _migrations(revision: str | None, settings: Settings) -> Finding:
    direct = "" if settings.database_pooler is None else ", and without the pooler"
    remedy = f"Run `expenses migrate` {_AS_OWNER}{direct}."
    if settings.database_url is None:
        remedy = "Run `expenses migrate`, or restart the server, which does it."
    if revision is None:
        return problem("migrations", "the database was never migrated and has no tables.", remedy)
    if not migrations.is_known(revision):
        return problem(
            "migrations",
            "the database was migrated by a newer version of Contoso Expenses, or before its first "
            f"release (revision {revision}).",
            "Start that version, restore a backup for this one, or use an empty database.",
        )
    if revision != migrations.newest_revision():
        return problem(
            "migrations", f"the database is from an older version (revision {revision}).", remedy
        )
    return ok("migrations", f"the database is up to date (revision {revision}).")


def _rights(role: str, own: Rights) -> Finding:
    apart = f"Create a role for the server alone, run `expenses grant ROLE` {_AS_OWNER}, and set "
    if own.missing:
        return problem(
            "rights",
            f"the role {role} lacks {', '.join(own.missing)}.",
            f"Run `expenses grant {role}` {_AS_OWNER}.",
        )
    if own.is_superuser or own.is_owner:
        is_what = "is a superuser" if own.is_superuser else "owns the tables"
        return warning(
            "rights",
            f"the role {role} {is_what}: someone who takes over the server could change "
            "the history.",
            f"{apart}DATABASE_URL to that role (see backend/docs/deployment.md).",
        )
    if own.has_more:
        return warning(
            "rights",
            f"the role {role} may create tables or change the history.",
            f"Run `expenses grant {role}` {_AS_OWNER}; it says what else to take away.",
        )
    return ok("rights", f"the role {role} has exactly the privileges it needs.")
