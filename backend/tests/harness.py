"""What the tests stand on: a real PostgreSQL, the application, people and their tickets."""

import asyncio
import atexit
import json
import logging
import shutil
import signal
import tempfile
import unittest
import warnings
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import httpx
import itsdangerous
from asyncpg.transaction import Transaction
from fastapi import FastAPI
from obstore.store import LocalStore
from pydantic import SecretStr
from sqlalchemy import Row, event, func, insert, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from starlette.types import ASGIApp

from expenses import demo
from expenses.app import create_app
from expenses.database import migrations
from expenses.database.address import asyncpg_url
from expenses.database.embedded import Server, running
from expenses.database.engine import Database, PoolUse
from expenses.database.tables import Base
from expenses.history import Event
from expenses.notifications.links import email_link, reset_link
from expenses.payments import actions as payment_actions
from expenses.payments import drafting
from expenses.payments.schemas import NewRun, Payment
from expenses.receipts import actions as receipt_actions
from expenses.receipts.actions import StoredReceipt
from expenses.receipts.inspection import Inspection, Invoice, Kind
from expenses.receipts.storage import Storage
from expenses.settings import Settings
from expenses.tickets import actions as ticket_actions
from expenses.tickets import decisions
from expenses.tickets.models import Category
from expenses.tickets.queries import TicketView, get_ticket
from expenses.tickets.schemas import TicketFields
from expenses.users import actions as user_actions
from expenses.users import confirmations, email_change, invitations, passwords, resets
from expenses.users.invitation_queries import Invitee
from expenses.users.invitations import SentInvitation
from expenses.users.models import Role, User, confirmation_table, email_change_table
from expenses.users.passwords import hash_password
from expenses.users.queries import UserView
from expenses.users.random_tokens import hash_token, new_token
from expenses.users.registration import register
from expenses.users.sessions import start_session
from expenses.users.throttling import Caller
from expenses.web.security.cookies import SESSION

PASSWORD = "correct horse 9"
SECRET_KEY = "the tests' secret key, long enough to be one"
TEMPLATE = "migrated"

# What a test does not look for is not printed.
for _logger in ("expenses", "python_multipart"):
    logging.getLogger(_logger).addHandler(logging.NullHandler())

# Hashing is slow on purpose, and hundreds of tests log in.
PRODUCT_HASHING = passwords.context
passwords.context = PRODUCT_HASHING.using(bcrypt_sha256__rounds=4)

# Tests that were started in the background ignore Ctrl-C, and so would all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

_names = count(1)
_databases = count(1)


@cache
def server() -> Server:
    """The PostgreSQL of this test run, with a migrated database to copy; gone at the end."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    started = stack.enter_context(running(folder, durable=False))
    asyncio.run(_administer(started, f"CREATE DATABASE {TEMPLATE}"))
    migrations.upgrade(started.url(TEMPLATE))
    return started


@cache
def shared_database() -> str:
    """The address of the database whose tests all roll back."""
    return new_database()


@cache
def shared_engine(address: str) -> AsyncEngine:
    """What keeps the compiled statements for the next test, but no connection."""
    return create_async_engine(asyncpg_url(address), poolclass=NullPool)


def new_database(template: str = TEMPLATE) -> str:
    """The address of a migrated database, empty but for what is in the template."""
    name = f"test_{next(_databases)}"
    asyncio.run(
        _administer(server(), f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    )
    address: str = server().url(name)
    return address


class DemoCompany(NamedTuple):
    """What `expenses seed` has put into a database, and its receipts into a folder; to copy."""

    database: str
    receipts: Path


@cache
def demo_company() -> DemoCompany:
    folder = tempfile.TemporaryDirectory(prefix="demo-company-")
    atexit.register(folder.cleanup)
    address, settings = new_database(), make_settings(data_dir=Path(folder.name))
    asyncio.run(demo.seed(address, settings))
    database = make_url(address).database
    assert database is not None
    return DemoCompany(database, Path(folder.name, "receipts"))


def empty_database(*, owner: str) -> str:
    """The address of a database that was never migrated, for the role that owns it."""
    name = f"test_{next(_databases)}"
    asyncio.run(_administer(server(), f"CREATE DATABASE {name} OWNER {owner}"))
    return as_role(owner, server().url(name))


@contextmanager
def one_more_migration(
    statement: str = "op.execute('CREATE TABLE later (id bigint)')",
) -> Iterator[str]:
    """Add a migration that no database has had yet; its revision."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "migrations")
        shutil.copytree(migrations.FOLDER, folder)
        (folder / "versions" / "later.py").write_text(
            "from alembic import op\n"
            "revision = 'later'\n"
            f"down_revision = {migrations.NEWEST!r}\n"
            "def upgrade():\n"
            f"    {statement}\n"
        )
        with patch.multiple(migrations, FOLDER=folder, NEWEST="later"):
            yield "later"


def new_role(options: str = "") -> str:
    """Roles belong to the server: each test has its own."""
    name = f"role_{next(_names)}"
    asyncio.run(_administer(server(), f"CREATE ROLE {name} LOGIN {options}"))
    return name


def as_role(role: str, address: str) -> str:
    return str(make_url(address).set(username=role))


async def _administer(postgres: Server, statement: str) -> None:
    engine = shared_engine(postgres.url("postgres"))
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text(statement))


@cache
def usual_app() -> FastAPI:
    """The application with the usual settings. Putting it together takes longer than most tests."""
    return create_app(
        usual_settings(),
        Database("postgresql://nobody@127.0.0.1/replaced_by_each_test"),
        shared_storage(),
    )


@cache
def shared_storage() -> Storage:
    """The files of all tests' receipts, in a folder that is gone at the end."""
    folder = tempfile.TemporaryDirectory(prefix="receipts-")
    atexit.register(folder.cleanup)
    return Storage(LocalStore(folder.name))


class RolledBackDatabase(Database):
    """Every transaction is a savepoint on one connection, whose own is never committed."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.outgoing = {}
        self.engine = connection.engine
        self._connection = connection
        self._used = 0

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        self._used += 1
        try:
            yield self._connection
        finally:
            self._used -= 1

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with self.connect() as connection, await self._savepoint():
            yield connection

    def connections(self) -> PoolUse:
        return PoolUse(self._used, 0, 1)

    @asynccontextmanager
    async def undone(self) -> AsyncIterator[None]:
        """What is committed meanwhile is gone afterwards."""
        savepoint = await self._savepoint()
        await savepoint.start()
        try:
            yield
        finally:
            await savepoint.rollback()

    async def _savepoint(self) -> Transaction:
        """SQLAlchemy's would be prepared first, each one anew: twice the round trips."""
        raw = await self._connection.get_raw_connection()
        assert raw.driver_connection is not None
        return raw.driver_connection.transaction()


class TestCase(unittest.IsolatedAsyncioTestCase):
    """A warning is a failure."""

    maxDiff = None

    async def asyncSetUp(self) -> None:
        # Debugging would report every slow step of the loop.
        asyncio.get_running_loop().set_debug(False)

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return super().run(result)


class AppTestCase(TestCase):
    """The application on a database where nothing stays.

    One request after the other: they share a connection. Races are for `CommittingTestCase`.
    """

    database: Database
    settings: Settings

    def setUp(self) -> None:
        self._address = shared_database()

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.database = await self._open_database()
        self.settings = usual_settings().model_copy()
        self.app = usual_app()
        self.app.state.database, self.app.state.settings = self.database, self.settings

    async def _open_database(self) -> Database:
        connection = await self.enterAsyncContext(shared_engine(self._address).connect())
        transaction = await connection.begin()
        # It begins with the first statement, and the driver's own would be outside of it.
        await connection.execute(text("SELECT 1"))
        self.addAsyncCleanup(transaction.rollback)
        return RolledBackDatabase(connection)

    def start_app(self, settings: Settings) -> FastAPI:
        return create_app(settings, self.database, shared_storage())

    # People

    async def new_user(self, role: Role, username: str | None = None) -> UserView:
        number = next(_names)
        async with self.database.transaction() as connection:
            return await register(
                connection,
                email=f"person{number}@contoso.example",
                password_hash=await password_hash(),
                username=username or f"Person {number}",
                role=role,
                employer_code=None,
                settings=usual_settings(),
            )

    async def new_employee(self, username: str | None = None) -> UserView:
        return await self.new_user(Role.EMPLOYEE, username)

    async def new_employer(self, username: str | None = None) -> UserView:
        return await self.new_user(Role.EMPLOYER, username)

    async def call_alike(self, user: UserView, username: str) -> None:
        """As two could be called before names had to differ."""
        async with self.database.transaction() as connection:
            await connection.execute(
                update(User)
                .where(User.id == user.id)
                .values(username=username, username_skeleton=None)
            )

    async def token_of(self, user: UserView) -> str:
        async with self.database.transaction() as connection:
            return (
                await start_session(
                    connection,
                    user.id,
                    caller=Caller("127.0.0.1"),
                    settings=usual_settings(),
                    is_registering=True,
                )
            ).token

    async def reset_token(self, user: UserView) -> str:
        """What a link for a new password has."""
        async with self.database.transaction() as connection:
            secret = await resets.make_for_anyone(connection, user.email)
        assert secret is not None
        return parse_qs(urlsplit(reset_link(secret, usual_settings())).query)["token"][0]

    async def email_token(self, user: UserView, email: str) -> str:
        """What a link that confirms a new e-mail has."""
        secret = new_token()
        async with self.database.transaction() as connection:
            await connection.execute(
                insert(email_change_table).values(
                    secret_hash=hash_token(secret),
                    user_id=user.id,
                    email=email,
                    expires_at=func.now() + email_change.LIFETIME,
                )
            )
        return parse_qs(urlsplit(email_link(secret, usual_settings())).query)["token"][0]

    async def invite(
        self, email: str, *, by: UserView, role: Role = Role.EMPLOYEE
    ) -> SentInvitation:
        async with self.database.transaction() as connection:
            [sent] = await invitations.invite(connection, [Invitee(email, role)], actor=by)
        return sent

    async def confirmation_of(self, email: str) -> str:
        """What a link has that confirms an e-mail."""
        secret = new_token()
        async with self.database.transaction() as connection:
            await connection.execute(
                insert(confirmation_table).values(
                    secret_hash=hash_token(secret),
                    email=email,
                    expires_at=func.now() + confirmations.LIFETIME,
                )
            )
        return secret

    async def suspend(self, employee: UserView, *, by: UserView) -> None:
        async with self.database.transaction() as connection:
            await user_actions.suspend(connection, employee.id, actor=by)

    # Tickets

    async def new_ticket(self, owner: UserView, **fields: Any) -> int:
        async with self.database.transaction() as connection:
            return await ticket_actions.create_ticket(
                connection,
                TicketFields.model_validate(ticket_json() | fields),
                actor=owner,
                settings=self.settings,
            )

    async def approve(self, ticket_id: int, *, by: UserView, reason: str | None = None) -> None:
        async with self.database.transaction() as connection:
            await decisions.approve_ticket(connection, ticket_id, actor=by, reason=reason)

    async def deny(
        self, ticket_id: int, *, by: UserView, reason: str = "Not a business trip"
    ) -> None:
        async with self.database.transaction() as connection:
            await decisions.deny_ticket(connection, ticket_id, actor=by, reason=reason)

    async def withdraw(self, ticket_id: int, *, by: UserView) -> None:
        async with self.database.transaction() as connection:
            await ticket_actions.withdraw_ticket(connection, ticket_id, actor=by)

    async def new_receipt(
        self,
        owner: UserView,
        ticket_id: int | None = None,
        *,
        called: str = "receipt",
        **fields: Any,
    ) -> int:
        """A receipt of a ticket or, without one, a draft; `fields` are what its invoice says.

        The file was looked into already, which takes a process of its own.
        """
        content = f"{called} {next(_names)}".encode()
        invoice = invoice_of(**fields) if fields else None
        inspection = Inspection(Kind.PNG, 1, (content,), content, invoice, ())
        storage = shared_storage()
        file = StoredReceipt(
            f"{called}.png", len(content), await storage.save(content, inspection), inspection
        )
        async with self.database.transaction() as connection:
            if ticket_id is None:
                return await receipt_actions.add_draft(
                    connection, file, actor=owner, storage=storage
                )
            return await receipt_actions.add_receipt(
                connection, ticket_id, file, actor=owner, storage=storage
            )

    # Payment runs

    async def new_due_ticket(self, owner: UserView, *, by: UserView, **fields: Any) -> int:
        """An approved ticket that nobody has paid."""
        ticket_id = await self.new_ticket(owner, **fields)
        await self.approve(ticket_id, by=by)
        return ticket_id

    async def new_run(self, *, by: UserView, currency: str = "USD", **fields: Any) -> int:
        """A draft of everything due."""
        async with self.database.transaction() as connection:
            created = await drafting.create_run(
                connection,
                NewRun(currency=currency, **fields),
                actor=by,
                settings=self.settings,
            )
        return created.run_id

    async def confirm(self, run_id: int, *, by: UserView) -> None:
        async with self.database.transaction() as connection:
            await payment_actions.confirm_run(connection, run_id, actor=by, settings=self.settings)

    async def pay(self, run_id: int, *, by: UserView) -> None:
        async with self.database.transaction() as connection:
            await payment_actions.pay_run(
                connection,
                run_id,
                Payment(paid_on=self.settings.today()),
                actor=by,
                settings=self.settings,
            )

    async def ticket(self, ticket_id: int, *, seen_by: UserView) -> TicketView:
        async with self.database.reading() as connection:
            return await get_ticket(connection, ticket_id, actor=seen_by)

    # Doors

    async def client(self, app: ASGIApp | None = None, /, **headers: str) -> httpx.AsyncClient:
        """A program or a browser that nobody is logged in with yet. It keeps cookies."""
        return await self.enterAsyncContext(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app or self.app, raise_app_exceptions=False),
                base_url="http://localhost",
                headers=headers,
            )
        )

    async def program_of(self, user: UserView) -> httpx.AsyncClient:
        """A client of the API with a bearer token."""
        return await self.client(Authorization=f"Bearer {await self.token_of(user)}")

    async def browser_of(self, user: UserView) -> httpx.AsyncClient:
        """A browser in which the user has logged in."""
        browser = await self.client()
        signed = cookie(await self.token_of(user))
        browser.cookies.set(SESSION, signed, domain="localhost.local")
        return browser

    # What is in the database

    async def events(self, *actions: str) -> list[Row[Any]]:
        """All events in their order, or those of some actions."""
        query = select(Event).order_by(Event.id)
        if actions:
            query = query.where(Event.action.in_(actions))
        async with self.database.reading() as connection:
            return list((await connection.execute(query)).all())

    async def last_event(self) -> Row[Any]:
        return (await self.events())[-1]

    @asynccontextmanager
    async def nothing_changes(self) -> AsyncIterator[None]:
        """Neither a user, nor a ticket, nor the history."""
        before = await self._everything()
        yield
        self.assertEqual(before, await self._everything())

    async def _everything(self) -> dict[str, list[Any]]:
        async with self.database.reading() as connection:
            return {
                table: [
                    tuple(row)
                    for row in await connection.execute(
                        select(Base.metadata.tables[table]).order_by(text("id"))
                    )
                ]
                for table in ("users", "tickets", "events")
            }

    @contextmanager
    def counted_statements(self) -> Iterator[list["Sent"]]:
        """What is sent to the database meanwhile, but for savepoints."""
        statements: list[Sent] = []

        def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
            if "SAVEPOINT" not in statement:
                statements.append(Sent(statement, values))

        event.listen(self.database.engine.sync_engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(self.database.engine.sync_engine, "before_cursor_execute", note)

    def assert_problem(self, response: httpx.Response, status: int, code: str) -> dict[str, Any]:
        """The refusal of the API, as its body."""
        self.assertEqual(response.status_code, status, response.text)
        self.assertEqual(response.headers["content-type"], "application/problem+json")
        body: dict[str, Any] = response.json()
        self.assertEqual((body["status"], body["code"]), (status, code))
        self.assertTrue(body["detail"])
        return body


class Sent(NamedTuple):
    """A statement, and its values in their order."""

    sql: str
    values: Sequence[Any]


class CommittingTestCase(AppTestCase):
    """A database of the test's own and real commits, for what happens at the same time."""

    def setUp(self) -> None:
        self._address = new_database()

    async def _open_database(self) -> Database:
        return await self.enterAsyncContext(Database(self._address))


@cache
def usual_settings() -> Settings:
    """Those of most tests, read once: it takes longer than a request."""
    return make_settings()


def make_settings(**values: Any) -> Settings:
    """Settings that do not depend on the environment of whoever runs the tests."""
    defaults: dict[str, Any] = {
        "database_url": None,
        "secret_key": SecretStr(SECRET_KEY),
        "employer_code": None,
        "currency": "USD",
        "timezone": "UTC",
        "cookie_secure": False,
        "allowed_hosts": ["localhost"],
        "trusted_proxies": [],
    }
    return Settings(**(defaults | values))


def invoice_of(**fields: Any) -> Invoice:
    """What an invoice says, where nothing else is said."""
    nothing: dict[str, Any] = dict.fromkeys(Invoice.__dataclass_fields__)
    return Invoice(**nothing | {"reader": "factur-x"} | fields)


def cookie(token: str | None, **more: str) -> str:
    """The cookie of a browser that holds a session's token, and what else is said."""
    data = b64encode(json.dumps({"token": token} | more).encode())
    return itsdangerous.TimestampSigner(SECRET_KEY).sign(data).decode()


def registration(**fields: Any) -> dict[str, Any]:
    """A new employee as a program sends one."""
    return {
        "email": "ada@contoso.example",
        "password": PASSWORD,
        "username": "Ada",
        "role": Role.EMPLOYEE.value,
    } | fields


def ticket_json(**fields: Any) -> dict[str, Any]:
    """A ticket as a program sends it."""
    return {
        "spent_on": (usual_settings().today() - timedelta(days=3)).isoformat(),
        "amount": "12.50",
        "currency": "USD",
        "category": Category.MEALS.value,
        "description": "Lunch with a customer",
        "links": ["https://receipts.example.com/1"],
    } | fields


_hash: str | None = None


async def password_hash() -> str:
    """Hashing is slow on purpose; everybody in the tests has the same password."""
    global _hash
    _hash = _hash or await hash_password(PASSWORD)
    return _hash
