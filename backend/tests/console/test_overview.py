"""The overview: figures that agree with the lists they link to, and charts that a policy allows."""

import re
import unittest
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import httpx
from starlette.datastructures import QueryParams

from expenses.console.overview_lines import Year, employee_lines
from expenses.i18n.formats import Formats
from expenses.tickets.counts import Count
from expenses.tickets.overview import (
    Days,
    Figure,
    TopSpending,
    ages,
    last_months,
    months_so_far,
)
from expenses.tickets.overview_statements import MAX_OTHERS
from expenses.users.queries import UserView
from tests.harness import AppTestCase, make_settings

LINK = re.compile(r'<a [^>]*?href="/admin/ticket/list\?([^"]*)"([^>]*)>(.*?)</a>', re.DOTALL)
NUMBER = re.compile(r"([\d,]+)(?: tickets?)?")


def links(page: httpx.Response) -> list[tuple[QueryParams, str]]:
    """Each link to the list, and what it says: in a table, or hovering over a bar."""
    found = []
    for query, attributes, content in LINK.findall(page.text.partition("</main>")[0]):
        title = re.search('aria-label="(.*?)"', attributes)
        said = title[1].rpartition(": ")[2] if title else content
        found.append((QueryParams(unescape(query)), unescape(said)))
    return found


def table(page: httpx.Response, panel: str) -> list[list[str]]:
    """The lines behind a chart, as text."""
    [section] = re.findall(
        rf'<section [^>]*aria-labelledby="{panel}">.*?</section>', page.text, re.S
    )
    [body] = re.findall("<tbody>(.*?)</tbody>", section, re.S)
    return [
        [
            " ".join(unescape(re.sub("<[^>]+>", " ", cell)).split())
            for cell in re.findall("<t[hd][^>]*>(.*?)</t[hd]>", line, re.S)
        ]
        for line in re.findall("<tr>(.*?)</tr>", body, re.S)
    ]


class OverviewTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss = await self.new_employer()
        self.browser = await self.browser_of(self.boss)
        self.ada = await self.new_employee("Ada")
        self.today = self.settings.today()

    async def overview(self, **query: str) -> httpx.Response:
        page = await self.browser.get("/admin/overview", params=query)
        self.assertEqual(page.status_code, 200, page.text)
        return page

    async def spent(self, owner: UserView, days_ago: int = 0, **fields: Any) -> int:
        spent_on = self.today - timedelta(days=days_ago)
        return await self.new_ticket(owner, spent_on=spent_on, **fields)

    async def approved(self, owner: UserView, days_ago: int = 0, **fields: Any) -> int:
        ticket = await self.spent(owner, days_ago, **fields)
        await self.approve(ticket, by=self.boss)
        return ticket

    async def listed(self, query: QueryParams) -> list[dict[str, Any]]:
        """What the list of a link holds, asked of the API."""
        items: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = {"cursor": cursor} if cursor else {}
            answer = await self.browser.get(
                "/api/tickets", params=dict(query) | {"limit": "100"} | page
            )
            self.assertEqual(answer.status_code, 200, answer.text)
            items += answer.json()["items"]
            cursor = answer.json()["next"]
        return items


class Links(OverviewTestCase):
    async def test_each_figure_is_what_its_list_comes_to(self) -> None:
        people = [self.ada, *[await self.new_employee() for _ in range(11)]]
        for number, owner in enumerate(people):
            for days_ago, category, currency in (
                (number, "meals", "USD"),
                (number * 31, "travel", "USD"),
                (number * 40, "lodging", "EUR"),
            ):
                fields = {"category": category, "currency": currency, "amount": f"{10 + number}.25"}
                await self.approved(owner, days_ago, **fields)
                await self.spent(owner, days_ago, **fields)
                await self.deny(await self.spent(owner, days_ago, **fields), by=self.boss)
                await self.withdraw(await self.spent(owner, days_ago, **fields), by=owner)
        await self.suspend(people[3], by=self.boss)
        formats = Formats(self.settings, "en")
        for currency in ("USD", "EUR"):
            followed = links(await self.overview(currency=currency))
            self.assertGreater(len(followed), 60)
            for query, said in followed:
                with self.subTest(currency=currency, query=str(query), said=said):
                    tickets = await self.listed(query)
                    self.assertIn(query["status"], ("pending", "approved"))
                    self._assert_said(said, tickets, formats)

    def _assert_said(self, said: str, tickets: list[dict[str, Any]], formats: Formats) -> None:
        sums: dict[str, Decimal] = {}
        for ticket in tickets:
            before = sums.get(ticket["currency"], Decimal(0))
            sums[ticket["currency"]] = before + Decimal(ticket["amount"])
        amounts = {formats.money(amount, currency) for currency, amount in sums.items()}
        number, *stated = said.split(", ") if " ticket" in said and ", " in said else [said]
        if re.fullmatch(r"\w+ \d+, \d{4}", said):
            self.assertTrue(tickets)
        elif NUMBER.fullmatch(number):
            self.assertEqual(number.split()[0], formats.number(len(tickets)))
            if stated:
                self.assertEqual(set(stated), amounts)
        elif tickets:
            self.assertEqual({said}, amounts)
        else:
            self.assertRegex(said, r"^\D0\.00$")


class Money(OverviewTestCase):
    async def test_what_is_owed_to_whom_and_since_when(self) -> None:
        self.assertNotIn("Owed to employees", (await self.overview()).text)
        ben = await self.new_employee("Ben")
        for owner, amount, currency in (
            (self.ada, "10.00", "USD"),
            (self.ada, "2.50", "USD"),
            (ben, "20.00", "USD"),
            (ben, "7.00", "EUR"),
        ):
            await self.approved(owner, amount=amount, currency=currency)
        today = Formats(self.settings, "en").day(self.today)
        page = await self.overview()
        self.assertEqual(
            table(page, "owed"),
            [
                ["Ben", today, "1", "€7.00"],
                ["Ben", today, "1", "$20.00"],
                ["Ada", today, "2", "$12.50"],
            ],
        )
        self.assertIn('<span class="sum">$32.50</span>', page.text)
        await self.suspend(ben, by=self.boss)
        self.assertEqual(table(await self.overview(), "owed"), [["Ada", today, "2", "$12.50"]])

    async def test_what_was_paid_in_each_month(self) -> None:
        for amount in ("10.00", "2.50"):
            await self.approved(self.ada, amount=amount)
        run = await self.new_run(by=self.boss)
        await self.confirm(run, by=self.boss)
        page = await self.overview()
        self.assertIn("Nothing was paid in USD.", page.text)
        await self.pay(run, by=self.boss)
        page = await self.overview()
        self.assertEqual(table(page, "paid")[-1][1:], ["2", "$12.50"])
        self.assertEqual(len(table(page, "paid")), 12)
        self.assertIn("Nothing is owed to anybody.", page.text)


class Shown(OverviewTestCase):
    async def test_pending_tickets_by_age(self) -> None:
        for days_ago in (-1, 0, 3, 4, 7, 8, 30, 31, 400):
            await self.spent(self.ada, days_ago, amount="10.00")
        page = await self.overview()
        self.assertEqual(
            table(page, "ages"),
            [
                ["0 to 3 days", "3", "$30.00"],
                ["4 to 7 days", "2", "$20.00"],
                ["8 to 30 days", "2", "$20.00"],
                ["Over 30 days", "2", "$20.00"],
            ],
        )
        self.assertIn("9 tickets", page.text)
        self.assertIn("400 days ago", page.text)

    async def test_twelve_months_the_present_one_last_and_nothing_older(self) -> None:
        first = last_months(self.today)[0].first
        assert first is not None
        first_date = (self.today - first).days
        await self.approved(self.ada, amount="5.00")
        await self.approved(self.ada, first_date, amount="7.00")
        await self.approved(self.ada, first_date + 1, amount="9.00")
        months = table(await self.overview(), "months")
        self.assertEqual(len(months), 12)
        self.assertEqual(months[0][1:], ["1", "$7.00"])
        self.assertEqual(months[-1][1:], ["1", "$5.00"])
        self.assertEqual({tuple(month[1:]) for month in months[1:-1]}, {("0", "$0.00")})
        self.assertEqual(months[-1][0], self.today.strftime("%B %Y"))

    async def test_currencies_are_never_added_up(self) -> None:
        await self.approved(self.ada, currency="USD", amount="10.00")
        await self.approved(self.ada, currency="JPY", amount="900.00")
        await self.approved(self.ada, currency="JPY", amount="100.00", category="travel")
        usd, jpy = await self.overview(), await self.overview(currency="JPY")
        self.assertEqual(table(usd, "categories"), [["Meals", "1", "$10.00"]])
        self.assertEqual(
            table(jpy, "categories"), [["Meals", "1", "¥900"], ["Travel", "1", "¥100"]]
        )
        for page in (usd, jpy):
            self.assertEqual(
                table(page, "currencies"), [["JPY", "2", "¥1,000"], ["USD", "1", "$10.00"]]
            )
            self.assertEqual(re.findall(r'href="\?currency=(\w+)" ', page.text), ["USD", "JPY"])

    async def test_the_company_s_currency_comes_first(self) -> None:
        await self.approved(self.ada, currency="EUR")
        await self.approved(self.ada, currency="USD")
        app = self.start_app(make_settings(currency="EUR"))
        browser = await self.client(app)
        browser.cookies = self.browser.cookies
        page = await browser.get("/admin/overview")
        self.assertIn("By month, in EUR", page.text)

    async def test_this_month_beside_the_same_days_of_last_month_and_last_year(self) -> None:
        spans = months_so_far(self.today)
        for span, amounts in zip(spans, ("30.00", "20.00", "60.00"), strict=True):
            await self.approved(self.ada, (self.today - span.last).days, amount=amounts)
            await self.approved(self.ada, (self.today - span.first).days, amount="10.00")
            await self.spent(self.ada, (self.today - span.first).days)
        for span in spans[1:]:
            await self.approved(self.ada, (self.today - span.first).days + 1, amount="500.00")
        page = await self.overview()
        found = [line[1:] for line in table(page, "comparison")]
        self.assertEqual(found[0], ["2", "$40.00"])
        self.assertEqual([line[0] for line in found[1:]], ["2", "2"])
        self.assertEqual([line[1] for line in found[1:]], ["$30.00", "$70.00"])
        self.assertIn("+33% compared with ", page.text)
        self.assertIn("-43% compared with ", page.text)

    async def test_nothing_is_compared_with_nothing(self) -> None:
        await self.approved(self.ada, amount="40.00")
        page = await self.overview()
        self.assertEqual([line[1] for line in table(page, "comparison")], ["1", "0", "0"])
        self.assertNotIn("compared with", page.text)
        await self.approved(self.ada, 150, currency="EUR")
        page = await self.overview(currency="EUR")
        self.assertIn("Nothing was approved this month, last month or a year ago", page.text)

    async def test_what_was_spent_a_year_ago_is_in_no_other_figure(self) -> None:
        await self.approved(self.ada, amount="5.00")
        year_ago = months_so_far(self.today)[2]
        await self.approved(self.ada, (self.today - year_ago.last).days, amount="7.00")
        page = await self.overview()
        self.assertIn("$5.00</a>", page.text)
        for panel in ("categories", "employees", "currencies"):
            self.assertEqual([line[1:] for line in table(page, panel)], [["1", "$5.00"]])

    async def test_pending_tickets_that_look_alike_are_named(self) -> None:
        ben = await self.new_employee("Ben")
        for owner, days_ago, fields in (
            (self.ada, 3, {"amount": "27.60"}),
            (self.ada, 3, {"amount": "27.60"}),
            (self.ada, 3, {"amount": "27.60", "currency": "EUR"}),
            (self.ada, 4, {"amount": "27.60"}),
            (ben, 3, {"amount": "27.60"}),
            (ben, 9, {"amount": "1500", "currency": "JPY"}),
            (ben, 9, {"amount": "1500", "currency": "JPY"}),
        ):
            await self.spent(owner, days_ago, **fields)
        await self.approved(ben, 3, amount="27.60")
        await self.withdraw(await self.spent(ben, 3, amount="27.60"), by=ben)
        page = await self.overview()
        [section] = re.findall('id="alike">.*?</dd>', page.text, re.S)
        said = " ".join(unescape(re.sub("<[^>]+>", "", section)).split())
        self.assertRegex(
            said, r"Ben, ¥1,500, \w+ \d+, \d+: 2 tickets Ada, \$27.60, .*: 2 tickets Same"
        )
        for query, number in links(page):
            if "min" in query:
                self.assertEqual(f"{len(await self.listed(query))} tickets", number)
        await self.suspend(ben, by=self.boss)
        self.assertNotIn("Ben", (await self.overview()).text)

    async def test_only_the_oldest_five_of_what_looks_alike_are_named(self) -> None:
        self.assertNotIn("Possible duplicates", (await self.overview()).text)
        for days_ago in range(7):
            await self.spent(self.ada, days_ago)
            await self.spent(self.ada, days_ago)
        named = [query["from"] for query, _ in links(await self.overview()) if "min" in query]
        days = [self.today - timedelta(days=days_ago) for days_ago in (6, 5, 4, 3, 2)]
        self.assertEqual(named, [day.isoformat() for day in days])

    async def test_the_ten_who_spent_most_and_all_others_in_one(self) -> None:
        for number in range(13):
            owner = await self.new_employee(f"Employee {number:02}")
            await self.approved(owner, amount=f"{100 - number}.00")
            await self.approved(owner, amount="1000.00", currency="EUR")
        lines = table(await self.overview(), "employees")
        self.assertEqual(len(lines), 11)
        self.assertEqual(lines[0], ["Employee 00", "1", "$100.00"])
        self.assertEqual(lines[9], ["Employee 09", "1", "$91.00"])
        self.assertEqual(lines[10], ["3 others", "3", "$267.00"])

    async def test_of_very_many_others_it_is_said_that_there_are_more(self) -> None:
        others = Figure(9_000, Decimal(70_000)), Count.capped(2_000, MAX_OTHERS)
        year, formats = Year(last_months(self.today), "USD"), Formats(self.settings, "en")
        [line] = employee_lines(TopSpending([], *others), year, formats)
        self.assertEqual(line.label, "1,000+ others")

    async def test_tickets_of_the_suspended_are_in_no_figure(self) -> None:
        ben = await self.new_employee("Ben")
        await self.approved(self.ada, amount="5.00")
        await self.approved(ben, amount="7.00")
        await self.spent(ben)
        await self.suspend(ben, by=self.boss)
        page = await self.overview()
        self.assertEqual(table(page, "employees"), [["Ada", "1", "$5.00"]])
        self.assertEqual(table(page, "categories"), [["Meals", "1", "$5.00"]])
        self.assertIn("Nothing is waiting for a decision", page.text)
        self.assertNotIn("Ben", page.text)

    async def test_today_is_the_company_s(self) -> None:
        await self.spent(self.ada)
        for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
            settings = make_settings(timezone=zone)
            browser = await self.client(self.start_app(settings))
            browser.cookies = self.browser.cookies
            page = await browser.get("/admin/overview")
            self.assertIn(f"from={settings.today() - timedelta(days=3)}", page.text)

    async def test_without_tickets_it_says_what_to_expect(self) -> None:
        page = await self.overview()
        self.assertIn("Nothing to show yet", page.text)
        self.assertNotIn('class="bar"', page.text)
        await self.approved(self.ada, currency="EUR")
        page = await self.overview()
        self.assertIn("Nothing was approved in USD", page.text)
        self.assertEqual(table(page, "currencies"), [["EUR", "1", "€12.50"]])

    async def test_a_currency_that_does_not_exist_is_refused(self) -> None:
        for currency in ("XXX", "usd", "%00"):
            answer = await self.browser.get(f"/admin/overview?currency={currency}")
            self.assertEqual(answer.status_code, 422)

    async def test_it_takes_the_same_statements_however_much_there_is(self) -> None:
        await self.approved(self.ada)
        with self.counted_statements() as few:
            await self.overview()
        for number in range(15):
            owner = await self.new_employee()
            await self.approved(owner, number * 20, currency=("USD", "EUR", "GBP")[number % 3])
            await self.spent(owner, number * 5)
        with self.counted_statements() as many:
            await self.overview()
        self.assertEqual(len(few), len(many))
        self.assertEqual(len(many), 8)


class Charts(OverviewTestCase):
    async def test_each_bar_says_what_it_is_and_leads_to_its_list(self) -> None:
        await self.approved(self.ada, amount="40.00")
        page = await self.overview()
        self.assertIn('aria-label="Meals: 1 ticket, $40.00"', page.text)
        self.assertIn('aria-label="Ada: 1 ticket, $40.00"', page.text)

    async def test_names_stay_text(self) -> None:
        for name in ("<b>&\"'</b>", "李" * 80, "ـعمر حداد", "x" * 80):
            await self.approved(await self.new_employee(name))
        page = await self.overview()
        self.assertNotIn("<b>", page.text)
        self.assertIn("&lt;b&gt;&amp;&#34;&#39;&lt;/b&gt;: 1 ticket, ", page.text)


class Access(OverviewTestCase):
    async def test_it_is_for_employers(self) -> None:
        answer = await (await self.client()).get("/admin/overview")
        self.assertEqual(answer.headers["location"], "/login?next=/admin/overview")
        answer = await (await self.browser_of(self.ada)).get("/admin/overview")
        self.assertEqual(answer.status_code, 403)


class Periods(unittest.TestCase):
    def test_months_are_whole_and_follow_one_another(self) -> None:
        months = last_months(date(2024, 2, 29))
        self.assertEqual(months[0], Days(date(2023, 3, 1), date(2023, 3, 31)))
        self.assertEqual(
            months[-2:],
            [
                Days(date(2024, 1, 1), date(2024, 1, 31)),
                Days(date(2024, 2, 1), date(2024, 2, 29)),
            ],
        )

    def test_the_same_days_end_with_a_shorter_month(self) -> None:
        self.assertEqual(
            months_so_far(date(2024, 3, 31)),
            [
                Days(date(2024, 3, 1), date(2024, 3, 31)),
                Days(date(2024, 2, 1), date(2024, 2, 29)),
                Days(date(2023, 3, 1), date(2023, 3, 31)),
            ],
        )
        self.assertEqual(months_so_far(date(2025, 2, 28))[2].last, date(2024, 2, 28))

    def test_every_day_has_one_age(self) -> None:
        today = date(2026, 11, 23)
        for days_ago in range(-1, 60):
            day = today - timedelta(days=days_ago)
            found = [age for age in ages(today) if (age.first or day) <= day <= (age.last or day)]
            self.assertEqual(len(found), 1, day)
