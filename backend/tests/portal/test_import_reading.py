"""What is read from a file, and what is left out of it or refused."""

from typing import Any

import httpx

from tests.harness import AppTestCase
from tests.portal.test_import import check, check_again, lines, problems, save


class ReadingTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.browser = await self.browser_of(await self.new_employee())

    async def filed(self, page: httpx.Response) -> list[dict[str, Any]]:
        """What the events of the filed tickets say."""
        self.assertEqual(page.status_code, 200, problems(page))
        before = len(await self.events("ticket.created"))
        answer = await save(self.browser, page)
        self.assertEqual(answer.status_code, 303)
        return [event.details for event in (await self.events("ticket.created"))[before:]]

    async def said(self, *rows: str) -> dict[tuple[str, str], str]:
        """The sentence at each cell with a problem."""
        async with self.nothing_changes():
            page = await check(self.browser, lines(*rows))
        return {(row, name): sentence for row, name, sentence, _ in problems(page)}


def dated(*dates: str) -> list[str]:
    return [f'"{day}",1,EUR,meals,Lunch {number},' for number, day in enumerate(dates)]


class Dates(ReadingTestCase):
    async def test_times_and_days_of_the_week_beside_a_date(self) -> None:
        same_day = (
            "2026-11-02 09:00",
            "2026-11-02T09:00:00.000Z",
            "2026-11-02T09:00+08:00",
            "20261102T090000Z",
            "20261102090000",
            "2026/11/2 上午9:00",
            "2026/11/2 9:00:00 下午",
            "2026年11月2日 下午3:05",
            "2026年11月2日9时5分",
            "2026年11月2日 星期一",
            "2026年11月2日(周一) 9点",
            "星期一，2026年11月2日",
            "Mon, 2 Nov 2026",
            "Monday 2 November 2026",
            "Monday, November 2nd, 2026 at 9:00 a.m.",
            "Mon Nov 02 2026 09:00:00 GMT+0100 (Central European Standard Time)",
            "Mon, 02 Nov 2026 09:00:00 +0100",
            "2 Nov 2026, 9 PM",
            "2026-11-02 (Mon)",
            "Mo., 02.11.2026 um 9:30 Uhr",
            "02.11.2026 9.30 Uhr",
            "lundi 2 novembre 2026 à 9h30",
            "46328.375",
            "2026-Nov-02",
            "02/Nov/2026",
            "02NOV26",
        )
        filed = await self.filed(await check(self.browser, lines(*dated(*same_day))))
        self.assertEqual(
            {day: one["spent_on"] for day, one in zip(same_day, filed, strict=True)},
            dict.fromkeys(same_day, "2026-11-02"),
        )

    async def test_a_date_with_a_time_settles_the_order(self) -> None:
        for settling, expected in (
            ("13/02/2026 09:00", "Feb 11, 2026"),
            ("13/02/2026, 9:00:00 PM", "Feb 11, 2026"),
            ("Fri 13/02/2026", "Feb 11, 2026"),
            ("02/13/2026 9:00 a.m.", "Nov 2, 2026"),
            ("2/13/2026 下午3:05", "Nov 2, 2026"),
        ):
            page = await check(self.browser, lines(*dated("11/02/2026 10:30", settling)))
            self.assertEqual(problems(page), [], settling)
            self.assertIn(expected, page.text, settling)

    async def test_dates_that_contradict_each_other_are_never_chosen_between(self) -> None:
        rows = dated("13/02/2026", "02/14/2026 09:00", "11/02/2026", "2026-02-11")
        async with self.nothing_changes():
            page = await check(self.browser, lines(*rows))
        self.assertIn("What comes first in dates", page.text)
        self.assertEqual(
            {row: sentence for row, _, sentence, _ in problems(page)},
            {
                "2": "“13/02/2026” has the day first, other rows the month. Write 2026-02-13.",
                "3": "“02/14/2026 09:00” has the month first, other rows the day."
                " Write 2026-02-14.",
                "4": "“11/02/2026” could mean two dates. Write 2026-11-02.",
            },
        )
        page = await check_again(self.browser, page, order="month")
        self.assertEqual([row for row, *_ in problems(page)], ["2"])
        page = await check_again(self.browser, page, order="month", **{"cell-2-0": "2026-02-13"})
        self.assertEqual(problems(page), [])
        self.assertIn("File 4 tickets", page.text)

    async def test_what_could_mean_several_dates_is_asked_about(self) -> None:
        said = await self.said(*dated("26/11/02", "29-Jun-98", "Mon 11/02/2026", "11/02/26 9:00"))
        sentences = [said[str(row), "spent_on"] for row in range(2, 6)]
        for sentence in sentences[:2]:
            self.assertIn("Write the year with four digits", sentence)
        for sentence in sentences[2:]:
            self.assertIn("could mean two dates", sentence)

    async def test_what_is_no_date_is_said_to_be_none(self) -> None:
        said = await self.said(
            *dated("2026-11-02 at the hotel", "Monday", "9:00", "2026-11-31 9:00", "0000-01-01")
        )
        for row in (2, 3, 4, 6):
            self.assertIn("is no date. Write", said[str(row), "spent_on"])
        self.assertIn("that month has 30 days", said["5", "spent_on"])
