"""Style sheets, scripts and icons: ours, and those that installed packages carry."""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
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
        if isinstance(response, FileResponse) and self._wants_compressed(scope, path):
            # The style sheet is an eighth of its size then. Compressed once, not at each request.
            headers = dict(response.headers) | {"Content-Encoding": "gzip"}
            del headers["content-length"], headers["etag"]
            response = Response(self._compressed(str(response.path)), 200, headers)
        if scope["query_string"].startswith(b"v="):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    def _wants_compressed(self, scope: Scope, path: str) -> bool:
        accepted = Headers(scope=scope).get("accept-encoding", "")
        return "gzip" in accepted and path.endswith((".css", ".js", ".svg"))

    @cache  # noqa: B019, as above
    def _compressed(self, full_path: str) -> bytes:
        return gzip.compress(Path(full_path).read_bytes(), mtime=0)


assets = Assets()
