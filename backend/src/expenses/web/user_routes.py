"""Routes whose endpoints find out themselves whose request it is, with `as_user`: the framework's
dependencies take longer than most of the work."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from expenses.web.requests import as_user

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DirectRoute(APIRoute):
    """The endpoint is handed the request, and nothing that the framework has read from it.

    Its signature has the request and what the path itself converts, as in `{ticket_id:int}`; it
    answers with a response.
    """

    def get_route_handler(self) -> Handler:
        endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            response: Response = await endpoint(request, **request.path_params)
            return response

        return handle


class BodyRoute(APIRoute):
    """The framework reads and checks the body. What is wrong with it is told to those alone who
    are logged in: nobody else hears anything but that they are not."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def handle_or_ask_who(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError:
                async with as_user(request):
                    raise

        return handle_or_ask_who
