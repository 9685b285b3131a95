"""The folder of the server's unix socket, which only its user can enter."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from expenses.errors import CannotStart

SOCKET_NAME = ".s.PGSQL.5432"
# The address of a unix socket has room for 107 bytes.
MAX_SOCKET_PATH = 100


def create(data_dir: Path) -> Path:
    """Create it in the data folder, or in a temporary one where that path is too long."""
    folder = next(filter(_fits_a_socket, [data_dir / "socket", *_alternatives(data_dir)]))
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # Anybody can make a folder, or a link, of that name in a shared place.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise CannotStart(
            "%(path)s is not a private folder of this user. Remove it, or set DATA_DIR to a "
            "shorter path.",
            path=folder,
        )
    return folder


def _alternatives(data_dir: Path) -> list[Path]:
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    name = f"expenses-{os.geteuid()}-{digest}"
    parents = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nowhere")
    # Under sudo it may be another user's.
    if runtime.is_dir() and runtime.stat().st_uid == os.geteuid():
        parents.insert(0, runtime)
    return [parent / name for parent in parents]


def _fits_a_socket(folder: Path) -> bool:
    # The server reads a comma as the end of a path, and quotes as quotes.
    short = len(os.fsencode(folder / SOCKET_NAME)) < MAX_SOCKET_PATH
    return short and folder.is_absolute() and not set(str(folder)) & set(",\"'\\")
