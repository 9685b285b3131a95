"""Invitations: who is invited, inviting one person or those of a file, and taking that back."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel
from sqladmin import BaseView, expose
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of, writing
from expenses.console.invitation_file import Rows, WrongRows, read_people
from expenses.errors import Conflict, InvalidInput, InvitationGone
from expenses.i18n.languages import gettext, ngettext, sentence
from expenses.notifications.links import invitation_link
from expenses.users import invitations
from expenses.users.invitation_queries import Invitee, find_obstacles, list_invitations
from expenses.users.invitations import SentInvitation
from expenses.users.models import Role
from expenses.users.schemas import Email
from expenses.web.dependencies import database_of, settings_of
from expenses.web.pages.forms import FormValues, read_form
from expenses.web.pages.rendering import flash, refuse_at, render
from expenses.web.pagination import decode_cursor, encode_cursor
from expenses.web.problems import status_of
from expenses.web.validation import parse

LIST = "/admin/invitations"
ONE = "/invitations/{invitation_id:int}"
PAGE_SIZE = 50


class NewInvitation(BaseModel):
    email: Email
    role: Role


class InvitationView(BaseView):
    name = "Invitations"

    def is_visible(self, request: Request) -> bool:  # noqa: ARG002
        return False

    @expose("/invitations", methods=["GET"], identity="invitations")
    async def invitations(self, request: Request) -> Response:
        return await _page(request)

    @expose("/invitations", methods=["POST"], identity="invite")
    async def invite(self, request: Request) -> Response:
        form = await read_form(request)
        try:
            new = parse(NewInvitation, form)
            async with writing(request) as connection:
                sent = await invitations.invite(
                    connection, [Invitee(new.email, new.role)], actor=user_of(request)
                )
        except InvalidInput as error:
            return await _page(request, 422, form=form, errors=error.fields)
        except Conflict as error:
            errors = {"email": sentence(error)}
            return await _page(request, status_of(error), form=form, errors=errors)
        return _sent(request, sent)

    @expose("/invitations/file", methods=["POST"], identity="invite-by-file")
    async def invite_by_file(self, request: Request) -> Response:
        """Invites everybody in the file, or nobody."""
        try:
            rows = await read_people(request)
            async with writing(request) as connection:
                await _ensure_new(request, rows)
                sent = await invitations.invite(
                    connection, list(rows.values()), actor=user_of(request)
                )
        except InvalidInput as error:
            return await _page(request, 422, errors=error.fields)
        except WrongRows as error:
            return await _page(request, 422, wrong_rows=error.problems)
        except Conflict as error:
            return await _page(request, status_of(error), errors={"file": sentence(error)})
        return _sent(request, sent)

    @expose(f"{ONE}/resend", methods=["POST"], identity="resend-invitation")
    async def resend(self, request: Request) -> Response:
        try:
            async with writing(request) as connection:
                sent = await invitations.resend(
                    connection, request.path_params["invitation_id"], actor=user_of(request)
                )
        except InvitationGone as error:
            return _gone(request, error)
        return _sent(request, [sent])

    @expose(f"{ONE}/revoke", methods=["POST"], identity="revoke-invitation")
    async def revoke(self, request: Request) -> Response:
        try:
            async with writing(request) as connection:
                email = await invitations.revoke(
                    connection, request.path_params["invitation_id"], actor=user_of(request)
                )
        except InvitationGone as error:
            return _gone(request, error)
        flash(request, gettext("The invitation of %(email)s is revoked.", email=email))
        return RedirectResponse(LIST, 303)


async def _ensure_new(request: Request, rows: Rows) -> None:
    """Raises `WrongRows` for everybody who is registered or invited already."""
    async with database_of(request).reading() as connection:
        obstacles = await find_obstacles(connection, list(rows.values()))
    problems = {
        number: sentence(obstacles[person.email])
        for number, person in rows.items()
        if person.email in obstacles
    }
    if problems:
        raise WrongRows(problems)


def _sent(request: Request, sent: Sequence[SentInvitation]) -> Response:
    """Say that the links were mailed, or show them once, for the employer to hand over."""
    settings = settings_of(request)
    if settings.smtp_url is None:
        links = [(one.email, invitation_link(one.secret, settings)) for one in sent]
        return render(request, "console/invitation_links.html", links=links)
    message = ngettext(
        "%(num)s invitation is on its way.", "%(num)s invitations are on their way.", len(sent)
    )
    flash(request, message)
    return RedirectResponse(LIST, 303)


def _gone(request: Request, error: InvitationGone) -> Response:
    return refuse_at(request, LIST, error, "danger")


async def _page(
    request: Request,
    status_code: int = 200,
    *,
    form: FormValues | None = None,
    errors: dict[str, str] | None = None,
    wrong_rows: Mapping[int, str] | None = None,
) -> Response:
    cursor = request.query_params.get("cursor")
    async with database_of(request).reading() as connection:
        page = await list_invitations(
            connection, actor=user_of(request), before=decode_cursor(cursor), limit=PAGE_SIZE
        )
    return render(
        request,
        "console/invitations.html",
        status_code=status_code,
        invitations=page.items,
        cursor=cursor,
        next_cursor=encode_cursor(page.next_before),
        form=form or FormValues(),
        errors=errors or {},
        wrong_rows=wrong_rows or {},
        sends_mails=settings_of(request).smtp_url is not None,
    )
