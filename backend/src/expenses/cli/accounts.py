"""Does what is about accounts: who may log in, with which role, and who is locked out."""

import asyncio
from collections.abc import Awaitable, Callable

import typer
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.cli.starting import command_settings, transaction, with_secret_key
from expenses.database.migrations import migrated_database
from expenses.errors import CannotErase, CannotReset
from expenses.notifications.links import invitation_link, reset_link
from expenses.settings import Settings
from expenses.users import employers, single_sign_on
from expenses.users.erasure import erase_by_command
from expenses.users.invitation_queries import Invitee
from expenses.users.invitations import SentInvitation, invite_from_server
from expenses.users.models import Role
from expenses.users.passwords import ensure_acceptable, hash_password
from expenses.users.queries import UserView
from expenses.users.registration import register
from expenses.users.resets import make_for_anyone
from expenses.users.schemas import Email, Password, Username
from expenses.users.second_factor.reset import reset_by_command
from expenses.web.validation import parse


class Address(BaseModel):
    email: Email


class Employer(Address):
    password: Password
    username: Username


def create_employer(email: str) -> None:
    settings = command_settings()
    username = typer.prompt("Name")
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    employer = parse(Employer, {"email": email, "username": username, "password": password})
    ensure_acceptable(employer.password, email=employer.email)
    with migrated_database(settings) as address:
        asyncio.run(_register(employer, address, settings))
    typer.echo(f"{employer.username} can log in now.")


def reset_password(email: str) -> None:
    settings = with_secret_key(command_settings())
    with migrated_database(settings) as address:
        secret = asyncio.run(_make_reset(email, address, settings))
    if secret is None:
        raise CannotReset("No account uses the e-mail %(email)s.", email=email)
    typer.echo(reset_link(secret, settings))


def reset_second_factor(email: str) -> None:
    user = _change(lambda connection: reset_by_command(connection, email))
    typer.echo(f"{user.username} is logged out everywhere, and has no passkeys any more.")


def unlink(email: str) -> None:
    user = _change(lambda connection: single_sign_on.unlink(connection, email))
    typer.echo(f"{user.username} is logged out everywhere, and is linked anew at the next log-in.")


def erase(email: str, *, is_sure: bool) -> None:
    if not is_sure and typer.prompt("This cannot be undone. Type the e-mail again") != email:
        raise CannotErase("The two e-mails differ, so nobody was erased.")
    former = _change(lambda connection: erase_by_command(connection, email))
    typer.echo(f"They are erased, and called {former.username} now.")


def invite(email: str, role: str) -> None:
    settings = with_secret_key(command_settings())
    address = parse(Address, {"email": email}).email
    with migrated_database(settings) as database_url:
        sent = asyncio.run(_invite(Invitee(address, Role(role)), database_url, settings))
    typer.echo(invitation_link(sent.secret, settings))


def set_role(email: str, role: str) -> None:
    settings = command_settings()
    user = _change(
        lambda connection: employers.change_role_by_command(connection, email, Role(role), settings)
    )
    typer.echo(f"{user.username} is an {user.role} now.")


def deactivate(email: str) -> None:
    user = _change(lambda connection: employers.deactivate_by_command(connection, email))
    typer.echo(f"{user.username} is deactivated.")


def activate(email: str) -> None:
    user = _change(lambda connection: employers.activate_by_command(connection, email))
    typer.echo(f"{user.username} can log in again.")


async def _register(employer: Employer, address: str, settings: Settings) -> None:
    password_hash = await hash_password(employer.password)
    async with transaction(address, settings) as connection:
        await register(
            connection,
            email=employer.email,
            password_hash=password_hash,
            username=employer.username,
            role=Role.EMPLOYER,
            employer_code=None,
            # This command needs no code: its user has access to the server anyway.
            settings=settings.model_copy(update={"employer_code": None, "oidc_only": False}),
        )


def _change(change: Callable[[AsyncConnection], Awaitable[UserView]]) -> UserView:
    async def change_in(address: str) -> UserView:
        async with transaction(address, settings) as connection:
            return await change(connection)

    settings = command_settings()
    with migrated_database(settings) as address:
        return asyncio.run(change_in(address))


async def _make_reset(email: str, address: str, settings: Settings) -> str | None:
    async with transaction(address, settings) as connection:
        return await make_for_anyone(connection, email)


async def _invite(person: Invitee, address: str, settings: Settings) -> SentInvitation:
    async with transaction(address, settings) as connection:
        return await invite_from_server(connection, person)
