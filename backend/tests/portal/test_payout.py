"""Payout details on the account page, and the mails about them."""

from expenses.users import account
from tests.harness import PASSWORD, AppTestCase
from tests.notifications.test_delivery import SITE, MailTestCase
from tests.portal.test_account import problems

FORM = {"holder": "Ada Lovelace", "iban": "DE89 3704 0044 0532 0130 00", "password": PASSWORD}


class Page(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")
        self.browser = await self.browser_of(self.ada)

    async def test_they_are_added_changed_and_removed(self) -> None:
        self.assertIn("Add payout details", (await self.browser.get("/account")).text)
        self.assertEqual((await self.browser.get("/account/payout")).text.count("<h1"), 1)
        answer = await self.browser.post("/account/payout", data=FORM)
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/account"))
        page = (await self.browser.get("/account")).text
        self.assertIn("You will be paid to DE89 •••• 3000 from now on.", page)
        self.assertIn("You are paid to DE89 •••• 3000.", page)
        self.assertNotIn("0532", page + (await self.browser.get("/account/payout")).text)
        self.assertEqual((await self.last_event()).action, "user.payout_changed")
        await self.browser.post("/account/payout/remove")
        page = (await self.browser.get("/account")).text
        self.assertIn("Your payout details have been removed.", page)
        self.assertIn("Add payout details", page)
        self.assertEqual((await self.last_event()).action, "user.payout_removed")

    async def test_what_is_wrong_is_said_at_its_field_and_the_rest_is_kept(self) -> None:
        for change, field in (
            ({"iban": "DE88370400440532013000"}, "iban"),
            ({"holder": ""}, "holder"),
            ({"password": "wrong wrong"}, "password"),
            ({"password": ""}, "password"),
            ({"iban": "", "account": "12345678"}, "bank"),
        ):
            with self.subTest(change=change):
                async with self.nothing_changes():
                    page = await self.browser.post("/account/payout", data=FORM | change)
                self.assertEqual((page.status_code, set(problems(page))), (422, {field}))
                self.assertIn(f'value="{(FORM | change)["holder"]}"', page.text)
                self.assertNotIn(PASSWORD, page.text)
        self.assertIn("Add payout details", (await self.browser.get("/account")).text)

    async def test_other_sessions_stay(self) -> None:
        other = await self.browser_of(self.ada)
        await self.browser.post("/account/payout", data=FORM)
        self.assertEqual((await other.get("/account")).status_code, 200)

    async def test_employers_have_no_form(self) -> None:
        browser = await self.browser_of(await self.new_employer())
        self.assertNotIn("/account/payout", (await browser.get("/account")).text)
        async with self.nothing_changes():
            for answer in (
                await browser.get("/account/payout"),
                await browser.post("/account/payout", data=FORM),
                await browser.post("/account/payout/remove"),
            ):
                self.assertEqual(answer.status_code, 403)

    async def test_employers_see_in_the_history_what_changed_and_no_more(self) -> None:
        await self.browser.post("/account/payout", data=FORM)
        employer = await self.browser_of(await self.new_employer())
        page = (await employer.get("/admin/history")).text
        self.assertIn("changed their payout details", page)
        self.assertIn("DE89 •••• 3000", page)
        self.assertNotIn("Lovelace", page)


class Mails(MailTestCase):
    async def test_the_owner_is_told_even_with_mails_turned_off(self) -> None:
        browser = await self.browser_of(self.ada)
        async with self.database.transaction() as connection:
            await account.switch_mails(connection, on=False, actor=self.ada)
        await browser.post("/account/payout", data=FORM)
        await self.send_mails()
        mail, content = self.the_mail()
        self.assertEqual(mail["To"].addresses[0].addr_spec, self.ada.email)
        self.assertEqual(mail["Subject"], "Your payout details were changed")
        self.assertIn("You will be paid to DE89 •••• 3000 from now on.", content)
        self.assertIn(f"\n{SITE}/account\n", content)
        self.assertNotIn("Lovelace", content)
        self.assertNotIn("/mails/off", content)
        self.assertIsNone(mail["List-Unsubscribe"])

    async def test_it_is_in_the_language_of_the_owner(self) -> None:
        browser = await self.browser_of(self.ada)
        await self.change(language="zh_Hans_CN")
        await browser.post("/account/payout", data=FORM)
        await self.send_mails()
        mail, content = self.the_mail()
        self.assertEqual(mail["Subject"], "您的收款信息已被更改")
        self.assertIn("DE89 •••• 3000", content)

    async def test_a_removal_is_told_too(self) -> None:
        browser = await self.browser_of(self.ada)
        await browser.post("/account/payout", data=FORM)
        await browser.post("/account/payout/remove")
        await self.send_mails()
        subjects = [mail["Subject"] for mail in self.mail_box.mails]
        self.assertEqual(subjects[-1], "Your payout details were removed")

    async def test_a_wrong_password_is_no_mail(self) -> None:
        browser = await self.browser_of(self.ada)
        await browser.post("/account/payout", data=FORM | {"password": "wrong wrong"})
        self.assertEqual(await self.messages(), [])
