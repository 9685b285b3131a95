"""The files of receipts, by their SHA-256: in a folder, or where `STORAGE_URL` says.

Uploads overwrite nothing: the same content has the same name. The original is written last, so
that where it is, its previews are as well.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from expenses.database.embedded.data_folder import sync
from expenses.errors import CannotStart, NotFound, StorageUnavailable
from expenses.receipts.inspection import Inspection
from expenses.settings import Settings

ORIGINAL = "original"
THUMBNAIL = "thumbnail.webp"
# Stands beside a file that no receipt has; its date says since when.
UNUSED = "unused"

_PATH = re.compile(
    r"([0-9a-f]{2})/(?P<sha256>\1[0-9a-f]{62})"
    rf"/(?P<name>{ORIGINAL}|{THUMBNAIL}|[1-9][0-9]*\.webp|{UNUSED})"
)


class StoredFile(NamedTuple):
    sha256: str
    is_marked_unused: bool


class Storage:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def save(self, content: bytes, inspection: Inspection) -> str:
        """Write a file and its previews, unless they are there, and return the SHA-256."""
        # Ten megabytes take a while, in which others want answers.
        sha256 = await asyncio.to_thread(_sha256_of, content)
        there = await self._names(sha256)
        parts = {
            _path(sha256, name): part
            for name, part in _parts(content, inspection).items()
            if name not in there
        }
        await self._create(parts)
        return sha256

    async def claim(self, sha256: str, inspection: Inspection) -> bool:
        """Say that a receipt has the file now; False where it is no longer there, or not whole."""
        there = await self._names(sha256)
        if UNUSED in there:
            await self.mark_used(sha256)
        return there >= _parts(b"", inspection).keys()

    async def has(self, sha256: str) -> bool:
        return ORIGINAL in await self._names(sha256)

    async def original(self, sha256: str) -> memoryview:
        return await self._read(_path(sha256, ORIGINAL))

    async def thumbnail(self, sha256: str) -> memoryview:
        return await self._read(_path(sha256, THUMBNAIL))

    async def preview(self, sha256: str, page: int) -> memoryview:
        """Return the picture of a page; the first is 1."""
        return await self._read(_path(sha256, _page(page)))

    async def pieces(self, sha256: str) -> AsyncIterator[bytes]:
        """Yield an original piece by piece."""
        with _explained():
            result = await obstore.get_async(self._store, _path(sha256, ORIGINAL))
            async for piece in result.stream():
                yield bytes(piece)

    async def files(self) -> AsyncIterator[StoredFile]:
        """Yield every file once; what belongs to one is listed together."""
        file: StoredFile | None = None
        async for path, _ in self._list():
            found = _PATH.fullmatch(path)
            if found is None:
                continue
            if file is not None and file.sha256 != found["sha256"]:
                yield file
                file = None
            is_mark = found["name"] == UNUSED
            file = StoredFile(
                found["sha256"], is_mark or (file is not None and file.is_marked_unused)
            )
        if file is not None:
            yield file

    async def unused_since(self, sha256: str) -> datetime | None:
        async for path, since in self._list(_folder(sha256)):
            if path == _path(sha256, UNUSED):
                return since
        return None

    async def mark_unused(self, sha256: str) -> None:
        await self._create({_path(sha256, UNUSED): b""})

    async def mark_used(self, sha256: str) -> None:
        await self._delete(_path(sha256, UNUSED))

    async def delete(self, sha256: str) -> None:
        """Delete a file and its previews, the original first."""
        for name in sorted(await self._names(sha256), key=lambda name: name != ORIGINAL):
            await self._delete(_path(sha256, name))

    async def try_out(self) -> None:
        """Write, read and delete a file of no importance."""
        path = f"check-{token_hex(8)}"
        await self._create({path: b"check"})
        await self._read(path)
        await self._delete(path)

    # For backups

    async def read_all(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield the path and the content of all files and previews."""
        async for path, _ in self._list():
            # One that is deleted meanwhile was unused for a day.
            with suppress(NotFound):
                found = _PATH.fullmatch(path)
                if found is not None and found["name"] != UNUSED:
                    yield path, bytes(await self._read(path))

    def is_intact(self, path: str, content: bytes) -> bool:
        """Say whether a file has this path and this content; of previews, the path is enough."""
        found = _PATH.fullmatch(path)
        if found is None or found["name"] == UNUSED:
            return False
        return found["name"] != ORIGINAL or _sha256_of(content) == found["sha256"]

    async def put_back(self, path: str, content: bytes) -> None:
        """Write a file from a backup; what is there may be damaged, and is replaced."""
        with _explained():
            await obstore.put_async(self._store, path, content)
            await self._sync(path)

    async def _names(self, sha256: str) -> set[str]:
        """Find what there is of a file."""
        return {path.rpartition("/")[2] async for path, _ in self._list(_folder(sha256))}

    async def _list(self, folder: str | None = None) -> AsyncIterator[tuple[str, datetime]]:
        """Yield paths, and when each was written."""
        with _explained():
            async for batch in obstore.list(self._store, folder):
                for each in batch:
                    yield each["path"], each["last_modified"]

    async def _create(self, files: Mapping[str, bytes]) -> None:
        """Write files of one folder, in this order."""
        with _explained():
            for path, content in files.items():
                # Of the same name is the same content.
                with suppress(AlreadyExistsError):
                    await obstore.put_async(self._store, path, content, mode="create")
            # Deleted meanwhile: whoever wants to name it in a receipt finds it gone.
            with suppress(FileNotFoundError):
                await self._sync(*files)

    async def _sync(self, *paths: str) -> None:
        """Make files survive a power cut; a service answers only once they do."""
        if isinstance(self._store, LocalStore) and self._store.prefix is not None:
            await asyncio.to_thread(_sync, self._store.prefix, paths)

    async def _delete(self, path: str) -> None:
        with _explained(), suppress(FileNotFoundError):
            await obstore.delete_async(self._store, path)

    async def _read(self, path: str) -> memoryview:
        """Read a file, without copying its megabytes once more."""
        with _explained():
            try:
                result = await obstore.get_async(self._store, path)
            except FileNotFoundError:
                raise NotFound() from None
            return memoryview(await result.bytes_async())


def default_folder(settings: Settings) -> Path:
    return settings.data_dir.absolute() / "receipts"


def open_storage(settings: Settings) -> Storage:
    """Raises `CannotStart`."""
    try:
        if settings.storage_url is None:
            folder = default_folder(settings)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Storage(LocalStore(folder))
        url = str(settings.storage_url)
        if url.startswith("file:"):
            return Storage(from_url(url, mkdir=True))
        return Storage(_service(url))
    except (BaseError, OSError, ValueError) as error:
        raise CannotStart(
            "The storage of receipts cannot be used (%(problem)s). Check STORAGE_URL and DATA_DIR.",
            # What follows is for those who work on the library.
            problem=str(error).partition("\n")[0],
        ) from error


def _service(url: str) -> ObjectStore:
    """Whoever uploads or looks at a receipt waits at most this long for a service."""
    return from_url(
        url,
        client_options={
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=20),
            # Where the service's own setting names an address that begins with http://.
            "allow_http": True,
        },
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=5)},
    )


def _sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _parts(content: bytes, inspection: Inspection) -> dict[str, bytes]:
    """Name all that is kept of a file, in the order in which it is written."""
    parts = {_page(number): page for number, page in enumerate(inspection.previews, start=1)}
    if inspection.thumbnail is not None:
        parts[THUMBNAIL] = inspection.thumbnail
    return parts | {ORIGINAL: content}


def _folder(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def _path(sha256: str, name: str) -> str:
    return f"{_folder(sha256)}/{name}"


def _page(number: int) -> str:
    return f"{number}.webp"


def _sync(top: Path, paths: Sequence[str]) -> None:
    """Sync the files first, then each of their folders once, up to the topmost."""
    files = [top / path for path in paths]
    folders = dict.fromkeys(folder for file in files for folder in file.parents)
    for each in (*files, *(folder for folder in folders if folder.is_relative_to(top))):
        sync(each)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise StorageUnavailable() from error
