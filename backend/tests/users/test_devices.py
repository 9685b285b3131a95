"""Log-ins on new devices: recorded and mailed once, for browsers and for programs."""

import asyncio
from datetime import timedelta

import httpx
from sqlalchemy import select, update

from expenses.notifications.outbox import Channel
from expenses.users import devices
from expenses.users.models import known_program_table
from expenses.users.queries import UserView
from tests.harness import PASSWORD, AppTestCase, registration
from tests.notifications.test_security_mails import SecurityMailTestCase

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


class DevicesTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")

    async def log_in(self, browser: httpx.AsyncClient, user: UserView | None = None) -> int:
        data = {"email": (user or self.ada).email, "password": PASSWORD}
        return (await browser.post("/login", data=data)).status_code

    async def told(self) -> list[tuple[int, str | None]]:
        """Who was told, and what the history says of the device."""
        return [
            (event.user_id, event.details["client"])
            for event in await self.events("user.new_device")
        ]


class Browsers(DevicesTestCase):
    async def test_each_is_new_once(self) -> None:
        here, there = await self.client(**{"User-Agent": FIREFOX}), await self.client()
        for browser in (here, here, there, here):
            self.assertEqual(await self.log_in(browser), 303)
            await browser.post("/logout")
        told = await self.told()
        self.assertEqual([user for user, _ in told], [self.ada.id] * 2)
        self.assertEqual(told[0][1], FIREFOX)
        event = (await self.events("user.new_device"))[0]
        self.assertEqual((event.actor_id, set(event.details)), (self.ada.id, {"client"}))

    async def test_another_users_is_new_to_this_one(self) -> None:
        ben = await self.new_employee("Ben")
        browser = await self.client()
        await self.log_in(browser)
        await self.log_in(browser, ben)
        self.assertEqual([user for user, _ in await self.told()], [self.ada.id, ben.id])

    async def test_a_refused_log_in_is_none(self) -> None:
        await self.suspend(self.ada, by=await self.new_employer())
        async with self.nothing_changes():
            self.assertEqual(await self.log_in(await self.client()), 403)
            wrong = {"email": self.ada.email, "password": "wrong wrong"}
            await (await self.client()).post("/login", data=wrong)

    async def test_registering_is_none(self) -> None:
        browser = await self.client()
        await browser.post("/login", data={"email": "new@contoso.example", "password": PASSWORD})
        await browser.post("/register", data={"username": "New", "role": "employee"})
        self.assertEqual((await self.last_event()).action, "user.registered")


class Programs(DevicesTestCase):
    async def log_in_as(self, client: str, user: UserView | None = None) -> None:
        api = await self.client(**{"User-Agent": client})
        credentials = {"email": (user or self.ada).email, "password": PASSWORD}
        self.assertEqual((await api.post("/api/session", json=credentials)).status_code, 200)

    async def test_each_is_new_once(self) -> None:
        for client in ("curl/8", "curl/8", "books \x7f 1.0", "curl/8"):
            await self.log_in_as(client)
        self.assertEqual(await self.told(), [(self.ada.id, "curl/8"), (self.ada.id, "books  1.0")])
        ben = await self.new_employee("Ben")
        await self.log_in_as("curl/8", ben)
        self.assertEqual((await self.told())[-1], (ben.id, "curl/8"))

    async def test_what_has_registered_is_known(self) -> None:
        api = await self.client(**{"User-Agent": "curl/8"})
        await api.post("/api/users", json=registration(username="New", email="new@contoso.example"))
        async with self.nothing_changes():
            credentials = {"email": "new@contoso.example", "password": PASSWORD}
            await api.post("/api/session", json=credentials)

    async def test_one_is_new_again_after_a_year(self) -> None:
        await self.log_in_as("curl/8")
        async with self.database.transaction() as connection:
            await devices.delete_expired(connection)
            await connection.execute(
                update(known_program_table).values(
                    known_until=known_program_table.c.known_until - timedelta(days=366)
                )
            )
            await devices.delete_expired(connection)
            self.assertEqual((await connection.execute(select(known_program_table))).all(), [])
        await self.log_in_as("curl/8")
        self.assertEqual(len(await self.told()), 2)


class Mails(SecurityMailTestCase):
    async def log_in(self) -> None:
        browser = await self.client(**{"User-Agent": FIREFOX})
        data = {"email": self.ada.email, "password": PASSWORD}
        await browser.post("/login", data=data)
        await self.send_mails()

    async def test_the_owner_is_told_with_what_and_from_where(self) -> None:
        await self.log_in()
        mail, words = self.the_mail()
        self.assertEqual(mail["Subject"], "Log-in on a new device")
        self.assertIn("with Firefox on Windows, from 127.0.0.1.", " ".join(words.split()))
        self.assertIn("/account", words)

    async def test_in_their_language(self) -> None:
        await self.change(language="zh_Hans_CN")
        self.database.outgoing = {Channel.MAIL: asyncio.Event()}
        browser = await self.client(**{"User-Agent": FIREFOX, "Accept-Language": "zh"})
        await browser.post("/login", data={"email": self.ada.email, "password": PASSWORD})
        await self.send_mails()
        mail, words = self.the_mail()
        self.assertEqual(mail["Subject"], "在新设备上登录")
        self.assertIn("Windows 上的 Firefox", words)
