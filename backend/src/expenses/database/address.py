"""The address of a database, as PostgreSQL's own tools write it."""

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from expenses.errors import CannotStart

# What may follow the question mark.
_OPTIONS = {
    *("host", "port", "user", "password", "passfile", "ssl", "sslmode"),
    *("direct_tls", "target_session_attrs", "krbsrvname", "gsslib"),
}


def asyncpg_url(address: str, variable: str = "DATABASE_URL") -> URL:
    """Return `address` with the driver that is used here.

    Raises `CannotStart` for anything that is not the address of a PostgreSQL database.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise _unusable_address(variable) from None
    if url.drivername not in {"postgres", "postgresql", "postgresql+asyncpg"} or not url.database:
        raise _unusable_address(variable)
    if url.query.keys() - _OPTIONS:
        # Not named: in a password, a ? that is not escaped makes an option of what follows.
        raise CannotStart(
            "%(variable)s has an option that is not known here. There are %(known)s.",
            variable=variable,
            known=", ".join(sorted(_OPTIONS)),
        )
    url = url.set(drivername="postgresql+asyncpg")
    if "sslmode" in url.query:
        url = url.update_query_dict({"ssl": url.query["sslmode"]})
        url = url.difference_update_query(["sslmode"])
    return url


def place_of(address: str) -> str:
    """Name the server without the password."""
    url = asyncpg_url(address)
    host = url.host or url.query.get("host") or "the server of PGHOST"
    if isinstance(host, tuple):
        return ", ".join(host)
    return f"the socket in {host}" if host.startswith("/") else f"{host}:{url.port or 5432}"


def _unusable_address(variable: str) -> CannotStart:
    # The address itself is not repeated: it holds a password.
    return CannotStart(
        "%(variable)s is not the address of a PostgreSQL database. "
        "It looks like postgresql://user:password@host:5432/name.",
        variable=variable,
    )
