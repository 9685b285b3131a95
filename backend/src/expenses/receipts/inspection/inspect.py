"""Looks at an uploaded file without decoding any of it in this process."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pydantic import Base64Bytes, TypeAdapter

from expenses.files.worker import DAMAGED, TOO_LARGE, TOO_SLOW, Unreadable, read_apart
from expenses.i18n.text import N_
from expenses.receipts.inspection.kinds import Kind, UnreadableFile, find_kind
from expenses.receipts.inspection.merging import merge
from expenses.receipts.reading import limits
from expenses.receipts.reading.invoices import Invoice


@dataclass(frozen=True)
class Inspection:
    """`previews` are pictures of the first pages, in WebP.

    Where readers of invoices disagree, `conflicting` holds what each says, and `invoice` is None.
    """

    kind: Kind
    pages: int
    previews: tuple[bytes, ...]
    thumbnail: bytes | None
    invoice: Invoice | None
    conflicting: tuple[Invoice, ...]


@dataclass(frozen=True)
class _Answer:
    pages: int
    previews: tuple[Base64Bytes, ...]
    thumbnail: Base64Bytes | None
    invoices: list[Invoice]


READER = "expenses.receipts.reading.process"

# Reading waits in threads of its own, so that nothing else waits for one.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="inspection")
_answer = TypeAdapter(_Answer)

_PROBLEMS = {
    DAMAGED: N_("This file is damaged or not complete. Please save or scan it again."),
    TOO_LARGE: N_("This file is too large to open. Please save it smaller, or scan it again."),
    TOO_SLOW: N_("This file takes too long to read. Please save it simpler, or scan it again."),
    limits.PROTECTED: N_("This PDF is protected by a password. Please save a copy without one."),
    limits.TOO_MANY_PAGES: N_("This PDF has more than %(number)s pages. Choose those you need."),
    limits.TOO_MANY_PIXELS: N_("This image has more than %(number)s million pixels."),
    limits.CREDIT_NOTE: N_("This is a credit note, not an invoice."),
    limits.NO_INVOICE: N_("This XML file is not an invoice in UBL, CII or 数电票 format."),
}
_NUMBERS = {
    limits.TOO_MANY_PAGES: f"{limits.MAX_PAGES:,}",
    limits.TOO_MANY_PIXELS: limits.MAX_PIXELS // 1_000_000,
}


async def inspect(content: bytes) -> Inspection:
    """Raises `UnreadableFile`."""
    if len(content) > limits.MAX_SIZE:
        size = limits.MAX_SIZE // 1024 // 1024
        raise UnreadableFile(N_("The file is too large. The limit is %(size)s MB."), size=size)
    kind = find_kind(content)
    answer = await _read(content, kind)
    invoice, conflicting = merge(answer.invoices)
    return Inspection(kind, answer.pages, answer.previews, answer.thumbnail, invoice, conflicting)


async def _read(content: bytes, kind: Kind) -> _Answer:
    def read() -> _Answer:
        # Twenty pages are megabytes of base64, in which others want answers.
        return _answer.validate_python(read_apart(READER, content, kind))

    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, read)
    except Unreadable as unreadable:
        problem = unreadable.problem
    numbers = {"number": _NUMBERS[problem]} if problem in _NUMBERS else {}
    raise UnreadableFile(_PROBLEMS[problem], **numbers)
