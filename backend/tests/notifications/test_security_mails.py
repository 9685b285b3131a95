"""What people are told by mail about their own account, even with e-mails turned off."""

from tests.harness import PASSWORD
from tests.notifications.test_delivery import SITE, MailTestCase

NEW = "a rarer horse 8"


class SecurityMailTestCase(MailTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.app.state.settings = self.settings
        await self.change(gets_mails=False)


class PasswordChanged(SecurityMailTestCase):
    async def change_password(self) -> None:
        api = await self.program_of(self.ada)
        answer = await api.post("/api/me/password", json={"old": PASSWORD, "new": NEW})
        self.assertEqual(answer.status_code, 200)
        await self.send_mails()

    async def test_the_owner_is_told_and_where_to_turn(self) -> None:
        await self.change_password()
        mail, words = self.the_mail()
        self.assertEqual(
            (mail["To"], mail["Subject"]),
            (f"Ada <{self.ada.email}>", "Your password was changed"),
        )
        self.assertIn("You were logged out everywhere but where", words)
        self.assertIn(f"{SITE}/forgot", words)
        self.assertIn("cannot be turned off", words)
        self.assertIsNone(mail["List-Unsubscribe"])
        self.assertNotIn(NEW, words)

    async def test_in_their_language(self) -> None:
        await self.change(language="zh_Hans_CN")
        await self.change_password()
        mail, _ = self.the_mail()
        self.assertEqual(mail["Subject"], "您的密码已更改")

    async def test_not_of_a_refusal(self) -> None:
        api = await self.program_of(self.ada)
        await api.post("/api/me/password", json={"old": "wrong wrong", "new": NEW})
        self.assertEqual(await self.messages(), [])
