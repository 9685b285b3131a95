"""A route whose endpoint is handed the request, and nothing that the framework has read from it."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


class DirectRoute(APIRoute):
    """For the few that everything else waits for: reading what a request brings along, and
    resolving dependencies, takes the framework longer than all of their work.

    The endpoint's signature has the request and what the path itself converts, as in
    `{ticket_id:int}`; it answers with a response.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            response: Response = await endpoint(request, **request.path_params)
            return response

        return handle
