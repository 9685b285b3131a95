"""What the role needs that the application runs as, where another role owns the tables."""

from typing import NamedTuple

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import CannotGrant

_ROWS = "SELECT, INSERT, UPDATE, DELETE"
# The history is only added to, and only the owner migrates.
_LESS = {"events": "UPDATE, DELETE", "alembic_version": "INSERT, UPDATE, DELETE"}

_FACTS = """
SELECT current_user AS owner, quote_ident(rolname) AS role,
    quote_ident(current_schema()) AS schema, quote_ident(current_database()) AS database,
    (SELECT min(tableowner) FROM pg_tables
     WHERE schemaname = current_schema() AND tableowner <> current_user) AS other_owner,
    rolsuper OR rolcreaterole OR pg_has_role(oid, current_user, 'MEMBER') AS may_become_owner
FROM pg_roles WHERE rolname = :role
"""
# Through PUBLIC, through another role, or because of a GRANT of somebody else.
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


# Those of whoever has migrated: others may have tables beside them.
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


class Standing(NamedTuple):
    """What the session's own role may do in a migrated database.

    `missing` says what `grant` would give; `has_more` is for a role that is not the owner.
    """

    is_superuser: bool
    is_owner: bool
    has_more: bool
    missing: list[str]


async def standing(connection: AsyncConnection) -> Standing:
    own = (await connection.execute(text(_OWN))).mappings().one()
    role = await connection.scalar(text("SELECT current_user"))
    excess = (await connection.execute(text(_EXCESS), {"role": role})).mappings().one()
    missing = await connection.execute(text(_MISSING), {"rows": _ROWS})
    return Standing(
        **own,
        has_more=any(excess.values()),
        missing=[
            f"{privilege} on {name}"
            for name, privilege in missing
            if privilege not in _LESS.get(name, "").split(", ")
        ],
    )


async def grant(connection: AsyncConnection, role: str) -> dict[str, str]:
    """Let `role` work with the rows of a migrated database, and with nothing else.

    Takes away what it had beyond that; doing it twice changes nothing. Later migrations' tables are
    covered. Returns the privileges on each thing. Raises `CannotGrant`.
    """
    facts = await _facts(connection, role)
    _ensure_apart(facts)
    for statement in _statements(**facts):
        # Not text(): a colon in a name would be taken for a value's place.
        await connection.exec_driver_sql(statement)
    await _ensure_no_more(connection, role, facts)
    tables = await connection.execute(text(_GRANTED), {"role": role, "rows": _ROWS})
    return {str(name): str(privileges) for name, privileges in tables} | {
        "sequences": "USAGE",
        "tables of later migrations": _ROWS,
    }


async def _facts(connection: AsyncConnection, role: str) -> RowMapping:
    """Names in it are quoted as SQL wants them."""
    facts = (await connection.execute(text(_FACTS), {"role": role})).mappings().one_or_none()
    if facts is None:
        raise CannotGrant(
            "PostgreSQL knows no role %(role)s. Make it first, with CREATE ROLE … LOGIN PASSWORD …",
            role=role,
        )
    return facts


def _ensure_apart(facts: RowMapping) -> None:
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
        f"GRANT {_ROWS} ON {tables} TO {role}",
        *(f"REVOKE {less} ON {schema}.{table} FROM {role}" for table, less in _LESS.items()),
        f"REVOKE ALL ON {sequences} FROM {role}",
        f"GRANT USAGE ON {sequences} TO {role}",
        f"{later} GRANT {_ROWS} ON TABLES TO {role}",
        f"{later} GRANT USAGE ON SEQUENCES TO {role}",
    ]


async def _ensure_no_more(connection: AsyncConnection, role: str, facts: RowMapping) -> None:
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
