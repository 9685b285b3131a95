"""Filters with a name: saving, opening, replacing and removing them, each employer their own."""

import re
from html import unescape
from typing import Any

import httpx
from sqlalchemy import select

from expenses.tickets.models import saved_filter_table
from expenses.tickets.saved_filters import MOST_FILTERS
from expenses.users.queries import UserView
from tests.console.test_queue import QueueTestCase, shown


class SavedFiltersTestCase(QueueTestCase):
    async def save(self, name: str, query: str, **fields: Any) -> httpx.Response:
        form = {"name": name, "query": query} | fields
        return await self.browser.post("/admin/ticket/filters", data=form)

    async def kept(self, user: UserView | None = None) -> dict[str, str]:
        """What the database has of an employer's filters."""
        user_id = (user or self.boss).id
        table = saved_filter_table
        query = select(table.c.name, table.c.query).where(table.c.user_id == user_id)
        async with self.database.reading() as connection:
            rows = await connection.execute(query.order_by(table.c.created_at, table.c.name))
            return {row.name: row.query for row in rows}


def listed(page: httpx.Response) -> dict[str, str]:
    """The names above the list, each with the address that it leads to."""
    links = re.findall(r'href="([^"]+)" data-saved[^>]*>.*?<bdi>(.*?)</bdi>', page.text, re.DOTALL)
    return {unescape(name): unescape(address) for address, name in links}


class Save(SavedFiltersTestCase):
    async def test_a_filter_can_be_named_and_opened(self) -> None:
        ada = await self.new_employee("Ada")
        lunch = await self.new_ticket(ada, amount="60.00")
        await self.new_ticket(ada, amount="6.00")
        self.assertNotIn("Save filter…", (await self.listing()).text)
        page = await self.listing(employee="Ada", min="50")
        self.assertIn("Save filter…", page.text)
        answer = await self.save(" Dear <lunches> ", "employee=Ada&min=50")
        self.assertEqual(answer.status_code, 303)
        page = await self.browser.get(answer.headers["location"])
        self.assertIn("The filter “Dear &lt;lunches&gt;” is saved.", page.text)
        address = listed(page)["Dear <lunches>"]
        self.assertEqual(address, answer.headers["location"])
        self.assertRegex(page.text, r'data-saved aria-current="page"')
        page = await self.browser.get(address)
        self.assertEqual(shown(page), [lunch])
        self.assertNotIn(
            "aria-current", (await self.listing()).text.partition("data-saved")[2][:40]
        )

    async def test_what_is_kept_was_read_and_is_written_in_one_way(self) -> None:
        await self.new_employee("Ada")
        for query, kept in (
            ("q=x", "q=x&status=pending"),
            ("status=all&q=+x+&cursor=abc&evil=1&min=&to=", "q=x&status=all"),
            ("min=50,00&from=2.11.2026", "from=2026-11-02&min=50.00&status=pending"),
            ("sort=-amount&employee=ada", "employee=ada&status=pending&sort=-amount"),
            ("https://evil.example/?q=x", "status=pending"),
        ):
            with self.subTest(query=query):
                answer = await self.save("Same", query)
                self.assertEqual(await self.kept(), {"Same": kept})
                self.assertEqual(answer.headers["location"], f"/admin/ticket/list?{kept}")

    async def test_the_same_name_again_replaces_it_where_it_is(self) -> None:
        await self.save("First", "q=one")
        await self.save("Second", "q=two")
        await self.save("First", "q=three")
        self.assertEqual(
            await self.kept(),
            {"First": "q=three&status=pending", "Second": "q=two&status=pending"},
        )
        self.assertEqual([*listed(await self.listing())], ["First", "Second"])
        self.assertIn("A filter of the same name is replaced.", (await self.listing(q="x")).text)

    async def test_it_is_no_event_and_changes_nothing_else(self) -> None:
        async with self.nothing_changes():
            await self.save("Mine", "q=x")
            await self.browser.post("/admin/ticket/filters/remove", data={"name": "Mine"})

    async def test_an_unusable_name_comes_back_with_the_message_at_the_field(self) -> None:
        for name in ("", " ", "x" * 61, "a\0b", "\u200b"):
            with self.subTest(name=name):
                page = await self.save(name, "q=x&status=denied")
                self.assertEqual(page.status_code, 422)
                self.assertIn('id="name-problem"', page.text)
                self.assertIn("<details open>", page.text)
                # The list is still there, with its filter.
                self.assertIn('name="query" value="q=x&amp;status=denied"', page.text)
        self.assertEqual(await self.kept(), {})
        self.assertEqual((await self.save("x" * 60, "q=x")).status_code, 303)

    async def test_a_filter_that_the_list_refuses_is_refused(self) -> None:
        for query in ("status=lost", "from=yesterday", "employee=nobody", "min=2&max=1"):
            with self.subTest(query=query):
                self.assertEqual((await self.save("Odd", query)).status_code, 422)
        self.assertEqual(await self.kept(), {})

    async def test_the_longest_filter_fits(self) -> None:
        await self.new_employee("\U00020000" * 80)
        query = {"q": "\U00020000" * 200, "merchant": "\U00020000" * 120}
        query["employee"] = "\U00020000" * 80
        answer = await self.save("\U00020000" * 60, str(httpx.QueryParams(query)))
        self.assertEqual(answer.status_code, 303)
        self.assertEqual((await self.browser.get(answer.headers["location"])).status_code, 200)

    async def test_there_are_so_many_at_most(self) -> None:
        for number in range(MOST_FILTERS):
            await self.save(f"Filter {number}", f"q={number}")
        page = await self.save("One more", "q=x")
        self.assertEqual(page.status_code, 422)
        self.assertIn("You cannot save any more filters.", page.text)
        self.assertNotIn("One more", await self.kept())
        # Replacing one is still possible.
        self.assertEqual((await self.save("Filter 0", "q=x")).status_code, 303)
        self.assertEqual(len(await self.kept()), MOST_FILTERS)


class Remove(SavedFiltersTestCase):
    async def remove(self, name: str) -> httpx.Response:
        return await self.browser.post(
            "/admin/ticket/filters/remove", data={"name": name, "next": "/admin/ticket/list?q=y"}
        )

    async def test_it_is_gone_and_comes_back_by_undo(self) -> None:
        await self.save("Mine", "q=x")
        await self.save("Other", "q=y")
        answer = await self.remove("Mine")
        self.assertEqual(
            (answer.status_code, answer.headers["location"]), (303, "/admin/ticket/list?q=y")
        )
        page = await self.browser.get("/admin/ticket/list")
        self.assertIn("The filter “Mine” is removed.", page.text)
        self.assertEqual([*listed(page)], ["Other"])
        form = page.text.partition('action="/admin/ticket/filters">')[2].partition("</form>")[0]
        fields = re.findall(r'name="(\w+)" value="([^"]*)"', form)
        await self.browser.post(
            "/admin/ticket/filters", data={name: unescape(value) for name, value in fields}
        )
        self.assertEqual((await self.kept())["Mine"], "q=x&status=pending")

    async def test_what_is_not_there_cannot_be_removed(self) -> None:
        await self.save("Mine", "q=x")
        for name in ("", "mine", "x" * 100, "\U0001f600"):
            self.assertEqual((await self.remove(name)).status_code, 404)
        self.assertEqual([*await self.kept()], ["Mine"])


class Access(SavedFiltersTestCase):
    async def test_each_employer_has_their_own(self) -> None:
        other = await self.new_employer("Omar")
        theirs = await self.browser_of(other)
        await self.save("Mine", "q=x")
        self.assertEqual(listed(await theirs.get("/admin/ticket/list")), {})
        data = {"name": "Mine", "query": "q=y"}
        answer = await theirs.post("/admin/ticket/filters/remove", data=data)
        self.assertEqual(answer.status_code, 404)
        await theirs.post("/admin/ticket/filters", data=data)
        self.assertEqual(await self.kept(), {"Mine": "q=x&status=pending"})
        self.assertEqual(await self.kept(other), {"Mine": "q=y&status=pending"})

    async def test_neither_employees_nor_strangers_nor_other_sites_save_any(self) -> None:
        ada = await self.new_employee()
        data = {"name": "Mine", "query": "q=x"}
        for browser, headers, status in (
            (await self.browser_of(ada), {}, 403),
            (await self.client(), {}, 303),
            (self.browser, {"Sec-Fetch-Site": "cross-site"}, 403),
        ):
            for path in ("/admin/ticket/filters", "/admin/ticket/filters/remove"):
                answer = await browser.post(path, data=data, headers=headers)
                self.assertEqual(answer.status_code, status)
        for user in (ada, self.boss):
            self.assertEqual(await self.kept(user), {})
