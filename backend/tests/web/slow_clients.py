"""What a slow client keeps from others."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from expenses.database.engine import Database


class Watched:
    """An application; whether it holds a connection is noted wherever it waits for the client."""

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self._app, self._database = app, database
        self._held: list[str] = []

    def held(self) -> list[str]:
        """Return what was noted since the last time."""
        held, self._held = self._held, []
        return held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_complete = False

        def look(where: str) -> None:
            if self._database.connections().used:
                self._held.append(f"{scope['method']} {scope['path']}: {where}")

        async def watched_receive() -> Message:
            nonlocal is_complete
            if not is_complete:
                look("its body comes in")
            message = await receive()
            is_complete = not message.get("more_body")
            return message

        async def watched_send(message: Message) -> None:
            look("its answer goes out")
            await send(message)

        await self._app(scope, watched_receive, watched_send)
