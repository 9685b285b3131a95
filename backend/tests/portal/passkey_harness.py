"""What the tests of passkeys share: somebody with a device, and the steps of a log-in."""

import re
from typing import Any

import httpx
from sqlalchemy import select

from expenses.users.queries import UserView
from tests.authenticator import Authenticator
from tests.harness import PASSWORD, AppTestCase, make_settings

CODE = re.compile(r"\b(?:[a-z2-7]{4}-){5}[a-z2-7]{4}\b")
PAGE = "/account/passkeys"
STEP = "/login/second-step"


class PasskeyTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")
        self.http = await self.client()
        self.device = Authenticator()

    def require(self, who: str, **settings: Any) -> None:
        """Ask everybody, or employers, for a second factor."""
        self.app.state.settings = make_settings(second_factor=who, **settings)

    async def log_in(
        self, browser: httpx.AsyncClient | None = None, user: UserView | None = None
    ) -> str:
        """With the password; where it leads."""
        data = {"email": (user or self.ada).email, "password": PASSWORD}
        answer = await (browser or self.http).post("/login", data=data)
        self.assertEqual(answer.status_code, 303, answer.text)
        return answer.headers["location"]

    async def question(
        self, path: str, browser: httpx.AsyncClient | None = None, **data: str
    ) -> dict[str, Any]:
        answer = await (browser or self.http).post(f"{path}/options", data=data)
        self.assertEqual(answer.status_code, 200, answer.text)
        question: dict[str, Any] = answer.json()
        return question

    async def question_for_new(
        self, browser: httpx.AsyncClient, name: str = "My phone"
    ) -> dict[str, Any]:
        return await self.question(PAGE, browser, name=name, password=PASSWORD)

    async def add(
        self, browser: httpx.AsyncClient, device: Authenticator, name: str = "My phone"
    ) -> httpx.Response:
        credential = device.create(await self.question_for_new(browser, name))
        return await browser.post(PAGE, data={"name": name, "credential": credential})

    async def give_passkey(self, user: UserView | None = None) -> list[str]:
        """Make the device a passkey of somebody's; their recovery codes."""
        page = await self.add(await self.browser_of(user or self.ada), self.device)
        self.assertEqual(page.status_code, 200, page.text)
        return CODE.findall(page.text)

    async def answer(self, path: str, credential: str) -> httpx.Response:
        return await self.http.post(path, data={"credential": credential})

    async def rows(self, table: Any) -> list[Any]:
        async with self.database.reading() as connection:
            return list((await connection.execute(select(table))).all())

    async def is_in(self, browser: httpx.AsyncClient | None = None) -> bool:
        return (await (browser or self.http).get("/account")).status_code == 200

    async def assert_refused(
        self, answer: httpx.Response, page: str, sentence: str = "This passkey was not accepted."
    ) -> None:
        """Nobody is logged in, and the page that it leads back to says why."""
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, page))
        self.assertIn(sentence, (await self.http.get(page)).text)
        self.assertFalse(await self.is_in())
