"""How long one stays logged in, and what the browser is told to keep."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from passlib.hash import bcrypt, bcrypt_sha256, pbkdf2_sha256
from sqlalchemy import Row, select, update

from expenses.users import passwords
from expenses.users.models import User, UserSession
from expenses.users.passwords import hash_password
from expenses.users.queries import UserView
from tests.harness import PASSWORD, PRODUCT_HASHING, AppTestCase, make_settings


class Limits(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.settings = self.app.state.settings = make_settings(
            session_hours=10, session_idle_hours=2
        )
        self.ada = await self.new_employee()
        self.api = await self.client()
        answer = await self.api.post(
            "/api/session", json={"email": self.ada.email, "password": PASSWORD}
        )
        self.expires_at = datetime.fromisoformat(answer.json()["expires_at"])
        self.api.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    async def connection(self) -> Row[UserSession]:
        async with self.database.reading() as connection:
            return (await connection.execute(select(UserSession))).one()

    async def move(self, **by: float) -> None:
        """Everything about the session happened that much longer ago."""
        ago = timedelta(**by)
        async with self.database.transaction() as connection:
            await connection.execute(
                update(UserSession).values(
                    created_at=UserSession.created_at - ago,
                    last_seen_at=UserSession.last_seen_at - ago,
                    expires_at=UserSession.expires_at - ago,
                    ends_at=UserSession.ends_at - ago,
                )
            )

    async def status(self) -> int:
        return (await self.api.get("/api/me")).status_code

    async def test_it_ends_when_it_is_not_used(self) -> None:
        self.assertAlmostEqual(
            (self.expires_at - datetime.now(UTC)).total_seconds(), 2 * 3600, delta=60
        )
        await self.move(hours=1, minutes=59)
        self.assertEqual(await self.status(), 200)
        await self.move(hours=1, minutes=59)
        self.assertEqual(await self.status(), 200)
        await self.move(hours=2, minutes=1)
        self.assertEqual(await self.status(), 401)

    async def test_it_ends_however_much_it_is_used(self) -> None:
        for _ in range(6):
            await self.move(hours=1.5)
            self.assertEqual(await self.status(), 200)
        found = await self.connection()
        self.assertEqual(found.expires_at, found.ends_at)
        await self.move(hours=1.1)
        self.assertEqual(await self.status(), 401)

    async def test_it_is_written_down_at_most_once_a_minute(self) -> None:
        with self.counted_statements() as statements:
            self.assertEqual(await self.status(), 200)
        self.assertEqual(len(statements), 1)
        await self.move(minutes=2)
        with self.counted_statements() as statements:
            self.assertEqual(await self.status(), 200)
        self.assertEqual(len(statements), 2)


class InBrowsers(AppTestCase):
    async def set_cookies(self, **settings: bool) -> list[str]:
        ada = await self.new_employee()
        app = self.start_app(make_settings(**settings))
        answer = await (await self.client(app)).post(
            "/login", data={"email": ada.email, "password": PASSWORD}
        )
        self.assertEqual(answer.status_code, 303)
        return answer.headers.get_list("set-cookie")

    async def test_scripts_and_other_sites_do_not_get_them(self) -> None:
        connection, device = sorted(await self.set_cookies(), reverse=True)
        self.assertTrue(connection.startswith("expenses="))
        self.assertTrue(device.startswith("expenses-device="))
        for cookie in (connection.lower(), device.lower()):
            for part in ("; httponly", "; samesite=lax", "; path=/", "; max-age="):
                self.assertIn(part, cookie)
            self.assertNotIn("secure", cookie)

    async def test_over_https_they_are_secure_and_this_hosts_alone(self) -> None:
        for cookie in await self.set_cookies(cookie_secure=True):
            self.assertTrue(cookie.startswith("__Host-expenses"))
            self.assertIn("; secure", cookie.lower())
            self.assertIn("; path=/", cookie.lower())
            self.assertNotIn("domain", cookie.lower())

    async def test_logging_in_replaces_the_token_and_logging_out_ends_it(self) -> None:
        ada = await self.new_employee()
        browser = await self.browser_of(ada)
        before = dict(browser.cookies)
        await browser.post("/login", data={"email": ada.email, "password": PASSWORD})
        self.assertNotEqual(before["expenses"], browser.cookies["expenses"])
        kept = browser.cookies["expenses"]
        answer = await browser.post("/logout")
        self.assertEqual(answer.headers["clear-site-data"], '"cache", "storage"')
        replay = await self.client(Cookie=f"expenses={kept}")
        self.assertEqual((await replay.get("/tickets")).status_code, 303)


class OldHashes(AppTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(patch.object(passwords, "context", PRODUCT_HASHING))

    async def test_they_open_the_door_and_are_renewed(self) -> None:
        for old in (
            bcrypt.using(rounds=4).hash(PASSWORD),
            bcrypt_sha256.using(rounds=4).hash(PASSWORD),
            pbkdf2_sha256.using(rounds=1000).hash(PASSWORD),
        ):
            ada = await self.new_employee()
            async with self.database.transaction() as connection:
                await connection.execute(
                    update(User).where(User.id == ada.id).values(password_hash=old)
                )
            api = await self.client()
            log_in = {"email": ada.email, "password": PASSWORD}
            wrong = await api.post("/api/session", json=log_in | {"password": "wrong"})
            self.assert_problem(wrong, 401, "wrong-password")
            self.assertEqual(await self.hash_of(ada), old)
            self.assertEqual((await api.post("/api/session", json=log_in)).status_code, 200)
            renewed = await self.hash_of(ada)
            self.assertTrue(renewed.startswith("$bcrypt-sha256$v=2,t=2b,r=12$"), renewed)
            self.assertEqual((await api.post("/api/session", json=log_in)).status_code, 200)
            self.assertEqual(await self.hash_of(ada), renewed)

    async def test_todays_stay_as_they_are(self) -> None:
        ada = await self.new_employee()
        current = await hash_password(PASSWORD)
        async with self.database.transaction() as connection:
            await connection.execute(update(User).values(password_hash=current))
        api = await self.client()
        await api.post("/api/session", json={"email": ada.email, "password": PASSWORD})
        self.assertEqual(await self.hash_of(ada), current)

    async def hash_of(self, user: UserView) -> str:
        async with self.database.reading() as connection:
            password_hash = await connection.scalar(
                select(User.password_hash).where(User.id == user.id)
            )
        assert password_hash is not None
        return password_hash
