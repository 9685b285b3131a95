"""The files of receipts, by their SHA-256: in a folder, or where `STORAGE_URL` says.

Nothing is ever overwritten: the same content has the same name. The original is written last, so
that where it is, its previews are as well.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from expenses.errors import CannotStart, NotFound, StorageUnavailable
from expenses.receipts.inspection import Inspection
from expenses.settings import Settings

ORIGINAL = "original"
THUMBNAIL = "thumbnail.webp"


class StoredFile(NamedTuple):
    sha256: str
    stored_at: datetime


class Storage:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def save(self, content: bytes, inspection: Inspection) -> str:
        """Write a file and its previews and return the SHA-256."""
        sha256 = hashlib.sha256(content).hexdigest()
        if await self.has(sha256):
            return sha256
        for number, preview in enumerate(inspection.previews, start=1):
            await self._write(_path(sha256, _page(number)), preview)
        if inspection.thumbnail is not None:
            await self._write(_path(sha256, THUMBNAIL), inspection.thumbnail)
        await self._write(_path(sha256, ORIGINAL), content)
        return sha256

    async def has(self, sha256: str) -> bool:
        with _explained():
            try:
                await obstore.head_async(self._store, _path(sha256, ORIGINAL))
            except FileNotFoundError:
                return False
            return True

    async def original(self, sha256: str) -> bytes:
        return await self._read(_path(sha256, ORIGINAL))

    async def thumbnail(self, sha256: str) -> bytes:
        return await self._read(_path(sha256, THUMBNAIL))

    async def preview(self, sha256: str, page: int) -> bytes:
        """Return the picture of a page; the first is 1."""
        return await self._read(_path(sha256, _page(page)))

    async def pieces(self, sha256: str) -> AsyncIterator[bytes]:
        """Yield an original piece by piece."""
        with _explained():
            result = await obstore.get_async(self._store, _path(sha256, ORIGINAL))
            async for piece in result.stream():
                yield bytes(piece)

    async def files(self) -> AsyncIterator[StoredFile]:
        """Yield whose files are there, with all that belongs to them, and since when."""
        with _explained():
            async for batch in obstore.list(self._store):
                for each in batch:
                    sha256 = each["path"].split("/")[-2]
                    yield StoredFile(sha256, each["last_modified"])

    async def delete(self, sha256: str) -> None:
        """Delete a file and its previews, the original first."""
        with _explained():
            found = await obstore.list(self._store, _folder(sha256)).collect_async()
            names = [each["path"] for each in found]
            for path in sorted(names, key=lambda path: not path.endswith(ORIGINAL)):
                await obstore.delete_async(self._store, path)

    async def _write(self, path: str, content: bytes) -> None:
        with _explained():
            try:
                await obstore.put_async(self._store, path, content, mode="create")
            except AlreadyExistsError:
                # Of the same name is the same content.
                return

    async def _read(self, path: str) -> bytes:
        with _explained():
            try:
                result = await obstore.get_async(self._store, path)
            except FileNotFoundError:
                raise NotFound() from None
            return bytes(await result.bytes_async())


def open_storage(settings: Settings) -> Storage:
    """Raises `CannotStart`."""
    try:
        if settings.storage_url is None:
            folder = settings.data_dir.absolute() / "receipts"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Storage(LocalStore(folder))
        url = str(settings.storage_url)
        return Storage(from_url(url, mkdir=True) if url.startswith("file:") else from_url(url))
    except (BaseError, OSError, ValueError) as error:
        raise CannotStart(
            "The storage of receipts cannot be used (%(problem)s). Check STORAGE_URL and DATA_DIR.",
            problem=error,
        ) from error


def _folder(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def _path(sha256: str, name: str) -> str:
    return f"{_folder(sha256)}/{name}"


def _page(number: int) -> str:
    return f"{number}.webp"


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise StorageUnavailable() from error
