"""Hints for a whole page of the console, where hundreds of tickets are alike."""

import re
from collections import defaultdict
from datetime import date
from typing import Any
from unittest.mock import patch

from sqlalchemy import insert

from expenses.tickets import duplicates
from expenses.tickets.duplicates import MAX_NAMED
from expenses.tickets.models import Category, Ticket
from expenses.users.queries import UserView
from tests.harness import AppTestCase, Sent

LIST = "/admin/ticket/list?status={status}&sort=-filed"
HINT = re.compile(r'class="hint">\s*([^<]*?)\s*<a href="/admin/ticket/details/(\d+)')
PURCHASE, LINK = "Same employee, amount and date as", "Shares a link with"
SHOP = "https://shop.example/"


class Hints(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada, self.ben = await self.new_employee(), await self.new_employee()
        self.browser = await self.browser_of(await self.new_employer())

    async def file(self, owner: UserView, *tickets: dict[str, Any]) -> list[int]:
        usual = {
            "owner_id": owner.id,
            "spent_on": date(2026, 1, 1),
            "amount": 5,
            "currency": "EUR",
            "category": Category.OTHER,
            "description": "Pencils",
            "links": [],
        }
        async with self.database.transaction() as connection:
            ids = await connection.scalars(
                insert(Ticket).returning(Ticket.id), [usual | ticket for ticket in tickets]
            )
            return sorted(ids)

    async def hints(
        self, status: str = "pending"
    ) -> tuple[dict[int, dict[str, set[int]]], list[Sent]]:
        """By ticket and kind, which others are named, and what was sent to find them."""
        with self.counted_statements() as sent:
            page = await self.browser.get(LIST.format(status=status))
        rows = re.split(r'data-ticket="(\d+)"', page.text)[1:]
        found: dict[int, dict[str, set[int]]] = {}
        for ticket, html in zip(rows[::2], rows[1::2], strict=True):
            kinds = found.setdefault(int(ticket), defaultdict(set))
            for kind, other in HINT.findall(html.partition("</tr>")[0]):
                kinds[kind].add(int(other))
        return found, [statement for statement in sent if "unnest" in statement.sql]

    async def test_a_page_of_tickets_that_are_all_alike_needs_no_looking_up(self) -> None:
        alike = await self.file(self.ada, *[{"links": [SHOP]}] * 600)
        hints, sent = await self.hints()
        self.assertEqual(len(hints), 50)
        for ticket, kinds in hints.items():
            self.assertEqual(len(kinds[PURCHASE]), MAX_NAMED)
            self.assertLessEqual(kinds[PURCHASE], {*alike} - {ticket})
        self.assertEqual(sent, [])

    async def test_one_statement_finds_the_others_of_a_page_and_of_many_that_are_alike(
        self,
    ) -> None:
        await self.file(self.ada, *[{"links": [SHOP]}] * 600)
        older = await self.file(
            self.ben,
            *({"amount": number} for number in range(1, 41)),
        )
        [linked] = await self.file(self.ben, {"amount": 50, "links": ["https://example.com/a"]})
        await self.file(self.ada, *({"amount": 1000 + number} for number in range(20)))
        newer = await self.file(self.ben, *({"amount": number} for number in range(1, 41)))
        last = await self.file(
            self.ada, {"links": [SHOP]}, {"amount": 51, "links": ["https://example.com/a"]}
        )
        hints, sent = await self.hints()
        self.assertEqual(len(sent), 1)
        for first, second in zip(older, newer, strict=True):
            self.assertEqual(hints[second], {PURCHASE: {first}})
        self.assertEqual(len(hints[last[0]][PURCHASE]), MAX_NAMED)
        self.assertEqual(hints[last[1]], {LINK: {linked}})

    async def test_so_it_does_where_every_ticket_of_the_page_is_like_many(self) -> None:
        filed = await self.file(
            self.ada,
            *({"amount": 1 + n % 30, "links": [f"{SHOP}{n % 60}"]} for n in range(900)),
        )
        hints, sent = await self.hints()
        self.assertEqual((len(hints), len(sent)), (50, 1))
        for ticket, kinds in hints.items():
            alike = {other for other in filed if (other - ticket) % 30 == 0} - {ticket}
            self.assertEqual(len(kinds[PURCHASE]), MAX_NAMED)
            self.assertLessEqual(kinds[PURCHASE], alike)

    async def test_what_many_share_crowds_nothing_out(self) -> None:
        await self.file(self.ada, *[{"links": [SHOP]}] * 150)
        [linked] = await self.file(self.ben, {"links": ["https://example.com/a"], "amount": 7})
        [same] = await self.file(self.ben, {"amount": 8})
        await self.file(self.ada, *({"amount": 1000 + number} for number in range(60)))
        shared, alone = await self.file(self.ada, {"links": [SHOP]}, {"amount": 70})
        second, third = await self.file(
            self.ben, {"amount": 8}, {"links": ["https://example.com/a"], "amount": 9}
        )
        with patch.object(duplicates, "MAX_READ", 100):
            hints, sent = await self.hints()
        self.assertEqual(len(hints[shared][PURCHASE]), MAX_NAMED)
        self.assertEqual(
            (hints[alone], hints[second], hints[third]), ({}, {PURCHASE: {same}}, {LINK: {linked}})
        )
        self.assertEqual(len(sent), 2)

    async def test_there_is_an_end_to_it(self) -> None:
        await self.file(
            self.ada,
            *({"amount": n // 3, "links": [f"{SHOP}{n // 3}"] * 10} for n in range(3, 153)),
        )
        with patch.object(duplicates, "MAX_READ", 10):
            hints, sent = await self.hints()
        self.assertEqual((len(hints), len(sent)), (50, duplicates.MAX_STATEMENTS))

    async def test_a_link_is_the_same_however_it_is_written(self) -> None:
        [first] = await self.file(self.ada, {"links": [f"{SHOP}orders/7?id=3"]})
        same = (
            "http://shop.example/orders/7?id=3",
            "https://WWW.Shop.Example:443/orders/7/?id=3#top",
            "https://shop.example/orders/7?utm_source=mail&id=3&fbclid=x",
            "https://shop.example/orders/7?id=3&gclid=y",
        )
        others = ("orders/8?id=3", "Orders/7?id=3", "orders/7?id=4", "orders/7")
        for link, is_same in [(link, True) for link in same] + [
            (SHOP + path, False) for path in others
        ]:
            with self.subTest(link=link):
                [ticket] = await self.file(self.ben, {"links": [link]})
                found, _ = await self.hints()
                self.assertEqual(found[ticket][LINK], {first} if is_same else set())
                self.assertEqual(found[first][LINK], {ticket} if is_same else set())
                await self.withdraw(ticket, by=self.ben)

    async def test_each_kind_names_a_few_and_each_ticket_once(self) -> None:
        alike = await self.file(self.ada, *[{"links": [SHOP, SHOP]}] * 3)
        others = await self.file(self.ben, *({"links": [SHOP], "amount": 1 + n} for n in range(5)))
        hints, _ = await self.hints()
        for ticket in alike:
            self.assertEqual(hints[ticket][PURCHASE], {*alike} - {ticket})
        for ticket in others:
            self.assertEqual(len(hints[ticket][LINK]), MAX_NAMED)
            self.assertNotIn(ticket, hints[ticket][LINK])
