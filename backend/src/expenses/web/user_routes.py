"""Routes whose endpoints find out themselves whose request it is, with `as_user`, and are handed
what they need without the framework: its dependencies take longer than most of the work."""

from collections.abc import Callable, Coroutine, Mapping
from inspect import Parameter, signature
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from expenses.errors import InvalidInput
from expenses.i18n.text import N_
from expenses.web.dependencies import as_user
from expenses.web.validation import sentences

Endpoint = Callable[..., Coroutine[Any, Any, Response]]


class DirectRoute(APIRoute):
    """The endpoint is handed the request, and nothing that the framework has read from it.

    Its signature has the request and what the path itself converts, as in `{ticket_id:int}`; it
    answers with a response. Errors are answered by the application's handlers.
    """

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        super().__init__(path, endpoint, **options)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive, send)
            given = await self.given(request)
            response = await endpoint(request, **scope["path_params"], **given)
            await response(scope, receive, send)

        self.app = app

    async def given(self, _request: Request) -> Mapping[str, Any]:
        return {}


class BodyRoute(DirectRoute):
    """The endpoint's `body` and its headers are read and checked as well. What is wrong with them
    is told to those alone who are logged in: nobody else hears anything but that they are not."""

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        parameters = signature(endpoint, eval_str=True).parameters
        self._headers = [_Header(parameters[field.name]) for field in self.dependant.header_params]
        self._bodies = [_Body(parameters[field.name]) for field in self.dependant.body_params]

    async def given(self, request: Request) -> Mapping[str, Any]:
        """Raises `InvalidInput`, or `NotLoggedIn`."""
        values, wrong = dict[str, Any](), dict[str, str]()
        for source in (*self._headers, *self._bodies):
            try:
                values[source.name] = await source.read(request)
            except InvalidInput as error:
                wrong |= error.fields
        if wrong:
            async with as_user(request):
                raise InvalidInput(wrong)
        return values


class _Header:
    """A parameter of an endpoint, and how what was sent for it is checked."""

    def __init__(self, parameter: Parameter) -> None:
        self.name = parameter.name
        # As the header is called; a body is called the same.
        self.field = parameter.name.replace("_", "-")
        self._is_needed = parameter.default is Parameter.empty
        self._type = TypeAdapter[Any](parameter.annotation)

    async def read(self, request: Request) -> Any:
        """None where nothing was sent. Raises `InvalidInput`."""
        return self._checked(request.headers.get(self.field))

    def _checked(self, value: Any) -> Any:
        if value is None:
            if self._is_needed:
                raise InvalidInput({self.field: N_("This is needed.")})
            return None
        try:
            return self._type.validate_python(value)
        except ValidationError as error:
            found = sentences(error.errors())
            # What is wrong with the whole of it has no place inside it.
            raise InvalidInput(
                {self.field if field == "body" else field: said for field, said in found.items()}
            ) from None


class _Body(_Header):
    async def read(self, request: Request) -> Any:
        return self._checked(await _json(request))


async def _json(request: Request) -> Any:
    """What the body says, None where there is none. Raises `InvalidInput`."""
    try:
        content = await request.body()
    except ClientDisconnect:
        raise InvalidInput({"body": N_("The body cannot be read.")}) from None
    if not content:
        return None
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    kind, _, form = media_type.partition("/")
    if kind != "application" or form.rpartition("+")[2] != "json":
        raise InvalidInput({"body": N_("Send JSON, with Content-Type: application/json.")})
    try:
        return from_json(content)
    except ValueError:
        raise InvalidInput({"body": N_("The body is not valid JSON.")}) from None
