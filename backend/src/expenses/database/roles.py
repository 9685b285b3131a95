"""Grants the application's role what it needs, where another role owns the tables."""

from typing import NamedTuple

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import CannotGrant

_PRIVILEGES = "SELECT, INSERT, UPDATE, DELETE"
# The history is only added to, and only the owner migrates.
_WITHHELD = {"events": "UPDATE, DELETE", "alembic_version": "INSERT, UPDATE, DELETE"}

_FACTS = """
SELECT current_user AS owner, quote_ident(rolname) AS role,
    quote_ident(current_schema()) AS schema, quote_ident(current_database()) AS database,
    (SELECT min(tableowner) FROM pg_tables
     WHERE schemaname = current_schema() AND tableowner <> current_user) AS other_owner,
    rolsuper OR rolcreaterole OR pg_has_role(oid, current_user, 'MEMBER') AS may_become_owner
FROM pg_roles WHERE rolname = :role
"""
# Through PUBLIC, through another role, or by another role's GRANT.
_EXCESS = """
SELECT has_schema_privilege(:role, current_schema(), 'CREATE') AS may_create,
    has_table_privilege(:role, 'events', 'UPDATE, DELETE, TRUNCATE')
    OR has_any_column_privilege(:role, 'events', 'UPDATE')
    OR has_table_privilege(:role, 'alembic_version', 'INSERT, UPDATE, DELETE, TRUNCATE')
    AS may_write_too_much
"""
_GRANTED = """
SELECT relname, string_agg(privilege_type, ', ' ORDER BY position(privilege_type IN :rows))
FROM pg_class, aclexplode(relacl) AS granted
WHERE relnamespace = current_schema()::regnamespace AND relkind <> 'S'
    AND granted.grantee = (SELECT oid FROM pg_roles WHERE rolname = :role)
GROUP BY relname ORDER BY relname
"""
# On the tables of the role that migrated: others may have tables in the same schema.
_MISSING = """
WITH ours AS (
    SELECT relname, relkind, oid FROM pg_class
    WHERE (relowner, relnamespace) = (
        SELECT relowner, relnamespace FROM pg_class WHERE oid = to_regclass('alembic_version'))
    AND relkind IN ('r', 'p', 'S')
)
SELECT relname, privilege
FROM ours, unnest(string_to_array(CASE relkind WHEN 'S' THEN 'USAGE' ELSE :rows END, ', '))
    AS privilege
WHERE NOT CASE relkind WHEN 'S' THEN has_sequence_privilege(oid, privilege)
    ELSE has_table_privilege(oid, privilege) END
ORDER BY 1, 2
"""
_OWN = """
SELECT rolsuper AS is_superuser, pg_has_role(relowner, 'MEMBER') AS is_owner
FROM pg_roles, pg_class
WHERE rolname = current_user AND pg_class.oid = to_regclass('alembic_version')
"""


class Rights(NamedTuple):
    """What a role may do in a migrated database.

    `missing` is what `grant` would give; `has_more` counts only for a role that owns no tables.
    """

    is_superuser: bool
    is_owner: bool
    has_more: bool
    missing: list[str]


async def own_rights(connection: AsyncConnection) -> Rights:
    """Look up the rights of the role that is connected."""
    own = (await connection.execute(text(_OWN))).mappings().one()
    role = await connection.scalar(text("SELECT current_user"))
    excess = (await connection.execute(text(_EXCESS), {"role": role})).mappings().one()
    missing = await connection.execute(text(_MISSING), {"rows": _PRIVILEGES})
    return Rights(
        **own,
        has_more=any(excess.values()),
        missing=[
            f"{privilege} on {name}"
            for name, privilege in missing
            if privilege not in _WITHHELD.get(name, "").split(", ")
        ],
    )


async def grant(connection: AsyncConnection, role: str) -> dict[str, str]:
    """Let `role` work with the rows of a migrated database, and do nothing else.

    Revokes what it had beyond that, and covers the tables of later migrations. Returns the
    privileges by table. Raises `CannotGrant`.
    """
    facts = await _facts(connection, role)
    _ensure_separate(facts)
    for statement in _statements(**facts):
        # Not text(), which would take a colon in a name for a parameter.
        await connection.exec_driver_sql(statement)
    await _ensure_nothing_more(connection, role, facts)
    tables = await connection.execute(text(_GRANTED), {"role": role, "rows": _PRIVILEGES})
    return {str(name): str(privileges) for name, privileges in tables} | {
        "sequences": "USAGE",
        "tables of later migrations": _PRIVILEGES,
    }


async def _facts(connection: AsyncConnection, role: str) -> RowMapping:
    """Look the role up; names come back quoted for SQL."""
    facts = (await connection.execute(text(_FACTS), {"role": role})).mappings().one_or_none()
    if facts is None:
        raise CannotGrant(
            "PostgreSQL knows no role %(role)s. Make it first, with CREATE ROLE … LOGIN PASSWORD …",
            role=role,
        )
    return facts


def _ensure_separate(facts: RowMapping) -> None:
    if facts["other_owner"] is not None:
        raise CannotGrant(
            "The tables belong to %(other_owner)s. Run this with the DATABASE_URL of that role, "
            "which also runs the migrations.",
            **facts,
        )
    if facts["may_become_owner"]:
        raise CannotGrant(
            "%(role)s owns the tables, or may become %(owner)s, who does: as a superuser, with "
            "CREATEROLE, or as a member. Choose a role of its own for the application.",
            **facts,
        )


def _statements(*, role: str, schema: str, database: str, **_: object) -> list[str]:
    tables, sequences = f"ALL TABLES IN SCHEMA {schema}", f"ALL SEQUENCES IN SCHEMA {schema}"
    later = f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}"
    return [
        f"GRANT CONNECT ON DATABASE {database} TO {role}",
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"REVOKE ALL ON {tables} FROM {role}",
        f"GRANT {_PRIVILEGES} ON {tables} TO {role}",
        *(
            f"REVOKE {withheld} ON {schema}.{table} FROM {role}"
            for table, withheld in _WITHHELD.items()
        ),
        f"REVOKE ALL ON {sequences} FROM {role}",
        f"GRANT USAGE ON {sequences} TO {role}",
        f"{later} GRANT {_PRIVILEGES} ON TABLES TO {role}",
        f"{later} GRANT USAGE ON SEQUENCES TO {role}",
    ]


async def _ensure_nothing_more(connection: AsyncConnection, role: str, facts: RowMapping) -> None:
    excess = (await connection.execute(text(_EXCESS), {"role": role})).mappings().one()
    if excess["may_create"]:
        raise CannotGrant(
            "%(role)s could make tables. Have a superuser take that away first: "
            "REVOKE CREATE ON SCHEMA %(schema)s FROM PUBLIC, %(role)s",
            **facts,
        )
    if excess["may_write_too_much"]:
        raise CannotGrant(
            "%(role)s could change the history or the note of the migrations, through a privilege "
            "of PUBLIC or of a role that it is a member of. Take that away first.",
            **facts,
        )
