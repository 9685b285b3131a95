"""What the pages of the import send: a file, or its text with answers and corrections."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from expenses.portal.import_rows import Answers
from expenses.tickets.imports import MAX_ROWS
from expenses.tickets.models import Category
from expenses.tickets.spreadsheets.columns import FIELDS, MERCHANT
from expenses.tickets.spreadsheets.dates import Order
from expenses.tickets.spreadsheets.files import MAX_FILE_SIZE
from expenses.web.security.body_limit import largest_body

# A box for each row, the cells of wrong ones, and a few questions.
MAX_FIELDS = MAX_ROWS + 2_000
_NUMBER = re.compile("[0-9]{1,9}")
_CELL = re.compile(rf"cell-([0-9]{{1,9}})-({'|'.join((*FIELDS, MERCHANT))})")


@dataclass(frozen=True)
class Upload:
    """The chosen file; in later steps its text, or its bytes to read in another encoding."""

    content: bytes
    text: str
    key: str
    wanted: frozenset[int]
    original: bytes
    encoding: str
    was_encoding: str
    answers: Answers

    @property
    def wants_other_encoding(self) -> bool:
        return bool(self.original) and self.encoding != self.was_encoding


async def read_upload(request: Request) -> Upload:
    async with request.form(
        max_files=1, max_fields=MAX_FIELDS, max_part_size=largest_body(request.url.path)
    ) as form:
        file = form.get("file")
        content = await file.read(MAX_FILE_SIZE + 1) if isinstance(file, UploadFile) else b""
        texts = {name: value for name, value in form.items() if isinstance(value, str)}
        return Upload(
            content=content,
            text=texts.get("text", ""),
            key=texts.get("key", ""),
            wanted=frozenset(
                int(value)
                for value in form.getlist("wanted")
                if isinstance(value, str) and _NUMBER.fullmatch(value)
            ),
            original=_decoded(texts.get("original", "")),
            encoding=texts.get("encoding", ""),
            was_encoding=texts.get("was_encoding", ""),
            answers=_answers(form, texts),
        )


# Comes before the user in a route: no transaction is open while a slow upload comes in.
UploadDependency = Annotated[Upload, Depends(read_upload)]


def _answers(form: FormData, texts: Mapping[str, str]) -> Answers:
    columns = {
        name: int(texts[f"column-{name}"])
        for name in (*FIELDS, MERCHANT)
        if _NUMBER.fullmatch(texts.get(f"column-{name}", ""))
    }
    order = texts.get("order")
    meant = [value for value in form.getlist("meant") if isinstance(value, str)]
    unknown = [value for value in form.getlist("unknown") if isinstance(value, str)]
    cells = {
        (int(found[1]), found[2]): value.strip()
        for name, value in texts.items()
        if (found := _CELL.fullmatch(name))
    }
    return Answers(
        columns=columns if "columns" in texts else None,
        order=cast(Order, order) if order in {"day", "month"} else None,
        categories={
            text: value
            for text, value in zip(unknown, meant, strict=False)
            if value in list(Category)
        },
        cells=cells,
    )


def _decoded(text: str) -> bytes:
    with suppress(NotBase64, ValueError):
        return b64decode(text, validate=True)
    return b""
