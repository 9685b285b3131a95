"""Who is told of a payment: each employee once per run, and the company's other systems."""

from expenses.notifications.outbox import Channel
from expenses.users import account
from expenses.users.queries import UserView
from tests.notifications.test_delivery import SITE, MailTestCase, WebhookTestCase
from tests.receivers import words_of


class PaymentMails(MailTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ben = await self.new_employee("Ben")

    async def paid_run(self, *owners: UserView) -> int:
        """Approved tickets of 12.50 each; only the mails about their payment wait then."""
        for owner in owners:
            await self.new_due_ticket(owner, by=self.dana)
        run = await self.new_run(by=self.dana)
        await self.confirm(run, by=self.dana)
        await self.send_mails()
        self.mail_box.mails.clear()
        await self.pay(run, by=self.dana)
        return run

    async def test_each_person_gets_one_mail_for_all_of_their_tickets(self) -> None:
        await self.paid_run(self.ada, self.ben, self.ada)
        self.assertEqual((await self.events("payment_run.paid"))[-1].details["tickets"], 3)
        await self.send_mails()
        ada, ben = sorted(self.mail_box.mails, key=lambda mail: str(mail["To"]))
        self.assertEqual(ada["Subject"], "$25.00 is on its way to you")
        self.assertEqual(ben["Subject"], "$12.50 is on its way to you")
        number = f"{self.settings.today().year}-001"
        self.assertIn(f"It pays 2 of your tickets, in payment run {number}.", words_of(ada))
        self.assertIn(f"It pays 1 of your tickets, in payment run {number}.", words_of(ben))
        self.assertIn(SITE, words_of(ada))
        self.assertEqual(await self.messages(), [])

    async def test_it_is_written_in_the_language_of_each(self) -> None:
        browser = await self.browser_of(self.ada)
        await browser.post("/language", data={"language": "zh_Hans_CN"})
        await self.paid_run(self.ada)
        await self.send_mails()
        mail, content = self.the_mail()
        self.assertEqual(mail["Content-Language"], "zh-CN")
        self.assertIn("US$12.50", mail["Subject"])
        self.assertNotIn("on its way", mail["Subject"])
        self.assertIn("付款批次", content)

    async def test_nobody_who_has_switched_mails_off(self) -> None:
        async with self.database.transaction() as connection:
            await account.switch_mails(connection, on=False, actor=self.ada)
        await self.paid_run(self.ada, self.ben)
        await self.send_mails()
        mail, _ = self.the_mail()
        self.assertIn("Ben", str(mail["To"]))

    async def test_nobody_who_is_suspended_before_it_is_sent(self) -> None:
        await self.paid_run(self.ada)
        await self.suspend(self.ada, by=self.dana)
        await self.send_mails()
        self.assertEqual(self.mail_box.mails, [])
        self.assertEqual(await self.messages(), [])


class PaymentPosts(WebhookTestCase):
    async def test_the_run_and_each_of_its_tickets_are_posted(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        run = await self.new_run(by=self.dana)
        await self.confirm(run, by=self.dana)
        await self.post()
        self.hook.posted.clear()
        await self.pay(run, by=self.dana)
        self.assertEqual({message.channel for message in await self.messages()}, {Channel.WEBHOOK})
        await self.post()
        of_run, of_ticket = map(self.received, self.hook.posted)
        event = (await self.events("payment_run.paid"))[-1]
        number = event.details["run"]
        told = {"event_id": event.id, "actor": {"id": self.dana.id, "username": "Dana"}}
        self.assertEqual({name: of_run[name] for name in told}, told)
        self.assertEqual({name: of_ticket[name] for name in told}, told)
        self.assertEqual(of_run["action"], "payment_run.paid")
        money = {"amount": "12.50", "currency": "USD"}
        self.assertEqual(of_run["payment_run"], {"id": run, "number": number, "tickets": 1} | money)
        self.assertEqual(of_ticket["action"], "ticket.paid")
        self.assertEqual(
            of_ticket["ticket"],
            {"id": self.ticket_id, "status": "approved"}
            | money
            | {"owner": {"id": self.ada.id, "username": "Ada"}},
        )
        self.assertEqual(of_ticket["payment_run"], {"id": run, "number": number})
