"""Searches find a text however it is written: case, accents, apostrophes."""

# ruff: noqa: RUF001, since unusual characters are what this is about.

from sqlalchemy import func, select

from expenses.i18n.text import folded
from tests.harness import AppTestCase


class Folded(AppTestCase):
    async def test_descriptions_are_found_however_they_are_written(self) -> None:
        ada = await self.new_employee()
        api = await self.program_of(ada)
        for written, typed in (
            ("Dinner with Zoë Lefèvre", ("lefevre", "LEFÈVRE", "lefe\u0300vre", "zoe")),
            ("O'Sullivan, bus", ("O\u2019Sullivan", "o'sullivan", "O`SULLIVAN")),
            ("Crème brûlée, Malmö", ("creme brulee", "malmo")),
            ("Straße nach Łódź", ("strasse", "STRASSE", "lodz")),
            ("Ｔａｘｉ 100% a_b", ("taxi", "100%", "a_b")),
        ):
            ticket = await self.new_ticket(ada, description=written)
            for text in typed:
                found = await api.get("/api/tickets", params={"q": text})
                self.assertEqual([item["id"] for item in found.json()["items"]], [ticket], text)
        for text in ("％", "lefevra", "a-b"):
            found = await api.get("/api/tickets", params={"q": text})
            self.assertLessEqual(len(found.json()["items"]), 1)

    async def test_so_are_employees(self) -> None:
        zoe, niall = await self.new_employee("Zoë Lefèvre"), await self.new_employee(
            "N. O'Sullivan"
        )
        dana = await self.new_employer()
        for owner in (zoe, niall):
            await self.new_ticket(owner)
        api = await self.program_of(dana)
        for owner, typed in (
            (zoe, ("zoe lefevre", "ZOË LEFÈVRE")),
            (niall, ("n. o\u2019sullivan",)),
        ):
            for text in typed:
                for name in ("employee", "q"):
                    found = (await api.get("/api/tickets", params={name: text})).json()
                    self.assertEqual([item["owner"]["id"] for item in found["items"]], [owner.id])
                listed = (await api.get("/api/employees", params={"q": text})).json()
                self.assertEqual([item["id"] for item in listed["items"]], [owner.id])

    async def test_the_database_folds_as_the_application_does(self) -> None:
        for text in (
            *(
                "Zoë Lefèvre",
                "O\u2019Sullivan",
                "İstanbul ırmak",
                "ΣΟΦΊΑΣ",
                "Straße",
                "ŁÓDŹ",
                "Ｔａｘｉ",
            ),
            *(
                "ﬁle ½ ①",
                "李娜 が",
                "عمر حداد",
                "a´b`c",
                "Đà Nẵng",
                "\u1e9e",
                "e\u0301",
                "plain Text `",
            ),
        ):
            async with self.database.reading() as connection:
                self.assertEqual(await connection.scalar(select(func.folded(text))), folded(text))
