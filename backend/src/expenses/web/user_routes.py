"""Routes whose endpoints find out themselves whose request it is, with `as_user`: the framework's
dependencies take longer than most of the work."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from expenses.web.requests import as_user

Endpoint = Callable[..., Coroutine[Any, Any, Response]]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DirectRoute(APIRoute):
    """The endpoint is handed the request, and nothing that the framework has read from it.

    Its signature has the request and what the path itself converts, as in `{ticket_id:int}`; it
    answers with a response. Errors are answered by the application's handlers.
    """

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        super().__init__(path, endpoint, **options)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive, send)
            response = await endpoint(request, **scope["path_params"])
            await response(scope, receive, send)

        self.app = app


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
