"""Naming the filter that the list shows, and removing it again."""

from pydantic import BaseModel
from sqladmin import BaseView, expose
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of, writing
from expenses.console.desk import tickets_page
from expenses.console.queue import LIST, Queue
from expenses.errors import InvalidInput, NotFound
from expenses.i18n.languages import gettext
from expenses.tickets import saved_filters
from expenses.tickets.schemas import FilterName
from expenses.web.pages.forms import read_form
from expenses.web.pages.rendering import flash, local_path
from expenses.web.validation import parse

SAVE = "/admin/ticket/filters"


class NewFilter(BaseModel):
    name: FilterName


class SavedFilterView(BaseView):
    name = "Saved filters"

    def is_visible(self, request: Request) -> bool:  # noqa: ARG002
        return False

    @expose("/ticket/filters", methods=["POST"], identity="save-filter")
    async def save(self, request: Request) -> Response:
        form, actor = await read_form(request), user_of(request)
        query = QueryParams(form["query"])
        queue = Queue.of(query)
        try:
            name = parse(NewFilter, form).name
            async with writing(request) as connection:
                # Refuses what the list could not show.
                await queue.filter(connection, actor=actor)
                await saved_filters.save_filter(connection, name, queue.question, actor=actor)
        except InvalidInput as error:
            return await tickets_page(request, query, errors=error.fields, form=form)
        flash(request, gettext("The filter “%(name)s” is saved.", name=name))
        return RedirectResponse(f"{LIST}?{queue.question}", 303)

    @expose("/ticket/filters/remove", methods=["POST"], identity="remove-filter")
    async def remove(self, request: Request) -> Response:
        form = await read_form(request)
        try:
            name = parse(NewFilter, form).name
        except InvalidInput:
            raise NotFound() from None
        async with writing(request) as connection:
            query = await saved_filters.remove_filter(connection, name, actor=user_of(request))
        message = gettext("The filter “%(name)s” is removed.", name=name)
        flash(request, message, undo=SAVE, name=name, query=query)
        return RedirectResponse(local_path(form["next"], LIST), 303)
