"""The list of tickets as a file, filtered and sorted as it is shown."""

from sqladmin import BaseView, expose
from starlette.requests import Request
from starlette.responses import Response

from expenses.console.authentication import user_of
from expenses.console.queue import Queue
from expenses.web.dependencies import database_of
from expenses.web.exports.tickets import export_response


class ExportView(BaseView):
    name = "Export tickets"

    def is_visible(self, request: Request) -> bool:  # noqa: ARG002
        return False

    @expose("/ticket/export/{kind}", methods=["GET"], identity="export")
    async def export(self, request: Request) -> Response:
        queue, actor = Queue.of(request.query_params), user_of(request)
        async with database_of(request).reading() as connection:
            matching = await queue.filter(connection, actor=actor)
        return await export_response(
            request, request.path_params["kind"], actor=actor, matching=matching, sort=queue.order
        )
