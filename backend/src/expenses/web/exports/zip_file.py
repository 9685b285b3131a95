"""ZIP with lists and the files that belong to them, sent while it is written."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from io import RawIOBase
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

MEDIA_TYPE = "application/zip"


class File(NamedTuple):
    name: str
    changed_at: datetime
    content: bytes | memoryview


async def zip_pieces(
    lists: Mapping[str, AsyncIterator[bytes]], now: datetime, files: AsyncIterator[File]
) -> AsyncIterator[bytes]:
    """Yield an archive of the lists, each a file of that name, and the files.

    Its directory comes last: without it, no program opens the archive.
    """
    written = _Written()
    with ZipFile(written, "w") as archive:
        for name, lines in lists.items():
            with archive.open(_entry(name, now), "w") as list_file:
                async for some in lines:
                    list_file.write(some)
                    yield written.take()
        async for file in files:
            # Pictures and PDFs are compressed already. Level 0 takes no time, and unlike "stored"
            # files, whose end is not marked, every program can read it.
            entry = _entry(file.name, file.changed_at)
            archive.writestr(entry, file.content, compresslevel=0)
            yield written.take()
    yield written.take()


def _entry(name: str, changed_at: datetime) -> ZipInfo:
    entry = ZipInfo(name, changed_at.timetuple()[:6])
    entry.compress_type = ZIP_DEFLATED
    return entry


class _Written(RawIOBase):
    """Holds what was written to it until it is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
