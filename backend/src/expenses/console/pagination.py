"""Pages that know where the next one begins, not how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqladmin.pagination import Pagination
from starlette.datastructures import URL


@dataclass
class KeysetPage(Pagination):
    """A page without a number: what matters is where the next one begins."""

    next_cursor: str | None = None
    previous_cursor: str | None = None

    def add_pagination_urls(self, base_url: URL) -> None:
        """The template builds the only two addresses there are."""


def keyset_page(rows: Sequence[object], next_cursor: str | None) -> KeysetPage:
    return KeysetPage(
        rows=[*rows], page=1, page_size=max(len(rows), 1), count=len(rows), next_cursor=next_cursor
    )
