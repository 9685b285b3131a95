"""Style sheets, scripts and icons: ours, and those that installed packages carry."""

import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class Assets(StaticFiles):
    """Tabler comes with SQLAdmin, which the console stands on; Swagger UI with fastapi-offline.

    Files whose address changes with their content are kept for a year."""

    def __init__(self) -> None:
        super().__init__(
            directory=Path(__file__).parent / "static",
            packages=["sqladmin", ("fastapi_offline", "static")],
        )

    @cache  # noqa: B019, there is one instance for as long as the process lives
    def address(self, path: str) -> str:
        """The address of a file, with a digest of its content."""
        full_path, found = self.lookup_path(path)
        if found is None:
            raise FileNotFoundError(path)
        digest = hashlib.sha256(Path(full_path).read_bytes()).hexdigest()[:12]
        return f"/static/{path}?v={digest}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if scope["query_string"].startswith(b"v="):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


assets = Assets()
