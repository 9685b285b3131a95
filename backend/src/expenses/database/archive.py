"""The file of a backup: a tar with the database's dump, the files that rows name, and a summary.

It is written and read piece by piece, however many files there are. `tar` can unpack it, too.
"""

import hashlib
import os
import tarfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from tarfile import BLOCKSIZE, TarInfo
from typing import BinaryIO, NamedTuple, Protocol

from pydantic import BaseModel, ValidationError

_DUMP = "database.dump"
# What pg_dump begins its own format with.
_MAGIC = b"PGDMP"
_FILES = "files/"
# Comes last: without it, the end is missing.
_SUMMARY = "summary.json"
_FORMAT = 1
_PIECE = 1024 * 1024


class Files(Protocol):
    """Where the files are kept that rows name."""

    def read_all(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield the path and the content of each."""

    def is_intact(self, path: str, content: bytes) -> bool:
        """Say whether a file has this path and this content."""

    async def put_back(self, path: str, content: bytes) -> None: ...


class Damaged(Exception):
    """Says what is missing or was changed."""


class _Summary(BaseModel):
    format: int
    files: int
    # Of all that comes before the summary.
    sha256: str


class _Member(NamedTuple):
    """`sha256` is of all that comes before it."""

    name: str
    content: Iterator[bytes]
    sha256: str


def is_dump(file: Path) -> bool:
    """Whether a file is no archive but the dump of a database alone."""
    with file.open("rb") as opened:
        return opened.read(len(_MAGIC)) == _MAGIC


async def write(archive: Path, dump: Path, files: Files) -> None:
    """Write an archive. Raises `Damaged` where a file is."""
    digest, written = hashlib.sha256(), 0
    with archive.open("wb") as output, dump.open("rb") as source:

        def add(name: str, size: int, content: Iterable[bytes]) -> None:
            for piece in (_header(name, size), *content, bytes(-size % BLOCKSIZE)):
                output.write(piece)
                digest.update(piece)

        add(_DUMP, os.fstat(source.fileno()).st_size, iter(lambda: source.read(_PIECE), b""))
        async for path, content in files.read_all():
            if not files.is_intact(path, content):
                raise Damaged(
                    f"{path} in the storage of receipts is damaged. Replace it with the one from "
                    "an older backup, or delete it."
                )
            add(f"{_FILES}{path}", len(content), [content])
            written += 1
        summary = _Summary(format=_FORMAT, files=written, sha256=digest.hexdigest())
        text = summary.model_dump_json().encode()
        add(_SUMMARY, len(text), [text])
        output.write(bytes(2 * BLOCKSIZE))


def check(archive: Path, dump: Path, files: Files) -> None:
    """Make sure that everything is there and unchanged, and copy the dump. Raises `Damaged`."""
    found, is_whole = 0, False
    with dump.open("wb") as output:
        for member in _members(archive):
            if member.name == _DUMP:
                output.writelines(member.content)
            elif member.name == _SUMMARY:
                _compare(b"".join(member.content), files=found, sha256=member.sha256)
                is_whole = True
            else:
                path = member.name.removeprefix(_FILES)
                if not files.is_intact(path, b"".join(member.content)):
                    raise Damaged(f"{member.name} is not what was backed up")
                found += 1
    if not is_whole:
        raise Damaged("its end is missing")


async def put_back(archive: Path, files: Files) -> None:
    """Put all files where they belong; the archive was checked before."""
    for member in _members(archive):
        if member.name.startswith(_FILES):
            await files.put_back(member.name.removeprefix(_FILES), b"".join(member.content))


def _header(name: str, size: int) -> bytes:
    info = TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)


def _members(archive: Path) -> Iterator[_Member]:
    digest = hashlib.sha256()
    with archive.open("rb") as source:
        while (header := source.read(BLOCKSIZE)) != bytes(BLOCKSIZE):
            try:
                info = TarInfo.frombuf(header, "utf-8", "strict")
            except (tarfile.HeaderError, UnicodeDecodeError):
                raise Damaged("its end is missing, or something in it was changed") from None
            before = digest.hexdigest()
            digest.update(header)
            content = _content(source, info.size, digest.update)
            yield _Member(info.name, content, before)
            # What nobody has read is passed over.
            deque(content, maxlen=0)


def _content(source: BinaryIO, size: int, update: Callable[[bytes], object]) -> Iterator[bytes]:
    left = size
    while left:
        piece = source.read(min(left, _PIECE))
        if not piece:
            raise Damaged("its end is missing")
        update(piece)
        left -= len(piece)
        yield piece
    update(source.read(-size % BLOCKSIZE))


def _compare(text: bytes, *, files: int, sha256: str) -> None:
    try:
        summary = _Summary.model_validate_json(text)
    except ValidationError:
        raise Damaged("its summary cannot be read") from None
    if summary.format != _FORMAT:
        raise Damaged("it was made by a newer version of Contoso Expenses")
    if (summary.files, summary.sha256) != (files, sha256):
        raise Damaged("something in it was changed")
