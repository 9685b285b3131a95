"""What the pages of the import send: a file, or its text with answers and corrections."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from expenses.portal.import_rows import Answers
from expenses.tickets.imports import MAX_ROWS
from expenses.tickets.models import Category
from expenses.tickets.spreadsheets.columns import FIELDS
from expenses.tickets.spreadsheets.dates import Order
from expenses.tickets.spreadsheets.tables import MAX_FILE_SIZE
from expenses.web.security.body_limit import largest_body

# Two marks for each row, the cells of a page of rows, and a few questions.
MAX_FIELDS = 2 * MAX_ROWS + 4_000
_NUMBER = re.compile("[0-9]{1,9}")
_CELL = re.compile("cell-([0-9]{1,9})-([0-9]{1,3})")


@dataclass(frozen=True)
class Upload:
    """The chosen file; in later steps its text, and what the person has said about it.

    `wanted` rows are filed again though they have been before, `editing` is the row whose cells
    are shown as fields, and `page` the page of the table.
    """

    content: bytes
    text: str
    key: str
    wanted: frozenset[int]
    encoding: str
    was_encoding: str
    editing: int | None
    page: int
    answers: Answers


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
            wanted=_numbers(form, "wanted"),
            encoding=texts.get("encoding", ""),
            was_encoding=texts.get("was_encoding", ""),
            editing=next(iter(_numbers(form, "edit")), None),
            page=next(iter(_numbers(form, "go") or _numbers(form, "page")), 1),
            answers=_answers(form, texts),
        )


# Comes before the user in a route: no transaction is open while a slow upload comes in.
UploadDependency = Annotated[Upload, Depends(read_upload)]


def _answers(form: FormData, texts: Mapping[str, str]) -> Answers:
    columns = {
        name: int(texts[f"column-{name}"])
        for name in FIELDS
        if _NUMBER.fullmatch(texts.get(f"column-{name}", ""))
    }
    order = texts.get("order")
    meant = [value for value in form.getlist("meant") if isinstance(value, str)]
    unknown = [value for value in form.getlist("unknown") if isinstance(value, str)]
    cells = {
        (int(found[1]), int(found[2])): value.strip().replace("\r\n", "\n")
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
        unwanted=_numbers(form, "unwanted") - _numbers(form, "take-back"),
    )


def _numbers(form: FormData, name: str) -> frozenset[int]:
    return frozenset(
        int(value)
        for value in form.getlist(name)
        if isinstance(value, str) and _NUMBER.fullmatch(value)
    )
