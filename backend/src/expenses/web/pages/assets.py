"""Style sheets, scripts and icons: ours, and those that installed packages carry."""

import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class Assets(StaticFiles):
    """Serve files, and let browsers keep those that are asked for by their content's hash."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if scope["query_string"].startswith(b"v="):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


# SQLAdmin carries Tabler, and fastapi-offline Swagger UI.
assets = Assets(
    directory=Path(__file__).parent / "static",
    packages=["sqladmin", ("fastapi_offline", "static")],
)


@cache
def asset_address(path: str) -> str:
    """Return the address of a file, which changes with its content."""
    full_path, found = assets.lookup_path(path)
    if found is None:
        raise FileNotFoundError(path)
    digest = hashlib.sha256(Path(full_path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"
