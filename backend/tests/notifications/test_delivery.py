"""Mails and the webhook, sent to a real mail server and a real web server."""

import asyncio
import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from aiosmtpd.smtp import LoginPassword
from pydantic import AnyUrl, Secret, SecretStr
from sqlalchemy import Row, select, text

from expenses.notifications import delivery as deliveries
from expenses.notifications import outbox
from expenses.notifications.delivery import MAX_ATTEMPTS, channels_of, delay_after, deliver_due
from expenses.notifications.outbox import Channel, Message, State
from expenses.settings import Settings
from expenses.tickets.decisions import approve_ticket, decide_tickets, reopen_ticket
from expenses.tickets.models import TicketStatus
from expenses.tickets.queries import now
from expenses.users import account, actions
from tests.harness import AppTestCase, make_settings
from tests.receivers import Hook, MailBox, Posted, listening_hook, words_of

SITE = "https://expenses.contoso.example"
SECRET = "a secret of the webhook's"


class DeliveryTestCase(AppTestCase):
    """Messages are written; they are sent when a test says so."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.settings = self.settings_with_targets()
        self.database.outgoing = {name: asyncio.Event() for name in channels_of(self.settings)}
        self.ada, self.dana = await self.new_employee("Ada"), await self.new_employer("Dana")
        self.ticket_id = await self.new_ticket(self.ada)

    def settings_with_targets(self) -> Settings:
        raise NotImplementedError

    async def send(self, channel: Channel) -> int:
        return await deliver_due(self.database, channel, self.settings, asyncio.Event())

    async def messages(self) -> list[Row[Message]]:
        async with self.database.reading() as connection:
            return list((await connection.execute(select(Message).order_by(Message.id))).all())

    async def pass_time(self) -> None:
        """Until everything that waits is due."""
        async with self.database.transaction() as connection:
            await connection.execute(text("UPDATE outbox SET due_at = now()"))

    async def change(self, **values: object) -> None:
        """Of Ada, what no action changes to such a thing."""
        columns = ", ".join(f"{name} = :{name}" for name in values)
        async with self.database.transaction() as connection:
            await connection.execute(
                text(f"UPDATE users SET {columns} WHERE id = :id"), values | {"id": self.ada.id}
            )


class MailTestCase(DeliveryTestCase):
    def settings_with_targets(self) -> Settings:
        self.mail_box = self.enterContext(MailBox())
        return make_settings(
            smtp_url=self.mail_box.url,
            mail_from="Contoso Expenses <expenses@contoso.example>",
            public_url=SITE,
        )

    async def send_mails(self) -> int:
        return await self.send(Channel.MAIL)

    def the_mail(self) -> tuple[Any, str]:
        [mail] = self.mail_box.mails
        return mail, words_of(mail)


class Decisions(MailTestCase):
    async def test_an_approval_is_mailed_to_the_owner(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        self.assertEqual((await self.last_event()).action, "ticket.approved")
        self.assertEqual(await self.send_mails(), 1)
        mail, content = self.the_mail()
        [to] = mail["To"].addresses
        self.assertEqual((to.display_name, to.addr_spec), ("Ada", self.ada.email))
        self.assertEqual(mail["From"], "Contoso Expenses <expenses@contoso.example>")
        self.assertEqual(mail["Subject"], f"Ticket {self.ticket_id} is approved: $12.50")
        self.assertIn(f"Dana has approved your ticket {self.ticket_id}.", content)
        self.assertIn("    Lunch with a customer\n    $12.50\n", content)
        self.assertIn(f"\n{SITE}/tickets/{self.ticket_id}\n", content)
        self.assertNotIn("Why", content)
        self.assertEqual(await self.messages(), [])
        self.assertEqual(await self.send_mails(), 0)

    async def test_a_denial_says_why(self) -> None:
        await self.deny(self.ticket_id, by=self.dana, reason="A private trip")
        await self.send_mails()
        mail, content = self.the_mail()
        self.assertEqual(mail["Subject"], f"Ticket {self.ticket_id} is denied: $12.50")
        self.assertIn(f"Dana has denied your ticket {self.ticket_id}.", content)
        self.assertIn("Reason:\n    A private trip\n", content)

    async def test_a_decision_that_is_taken_back_is_mailed_too(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        async with self.database.transaction() as connection:
            await reopen_ticket(connection, self.ticket_id, actor=self.dana, reason="Too hasty")
        await self.send_mails()
        subjects = [mail["Subject"] for mail in self.mail_box.mails]
        self.assertEqual(
            subjects,
            [
                f"Ticket {self.ticket_id} is approved: $12.50",
                f"Ticket {self.ticket_id} is pending again: $12.50",
            ],
        )
        self.assertIn("Too hasty", words_of(self.mail_box.mails[1]))

    async def test_it_says_what_was_decided_and_not_what_was_edited_since(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        async with self.database.transaction() as connection:
            await connection.execute(text("UPDATE tickets SET amount = 99, description = 'Other'"))
        await self.send_mails()
        _, content = self.the_mail()
        self.assertIn("$12.50", content)
        self.assertNotIn("Other", content)

    async def test_headers_are_those_of_a_program_that_can_be_stopped(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        [message] = await self.messages()
        await self.send_mails()
        mail, content = self.the_mail()
        self.assertEqual(mail["Message-ID"], f"<{message.key}@contoso.example>")
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        self.assertEqual(mail["Date"].datetime, message.created_at.replace(microsecond=0))
        self.assertEqual(mail["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        link = str(mail["List-Unsubscribe"]).strip("<>")
        self.assertTrue(link.startswith(f"{SITE}/mails/off?token="), link)
        self.assertIn(f"Turn these e-mails off:\n{link}\n", content)
        self.assertEqual(mail.get_content_type(), "text/plain")

    async def test_it_is_written_in_the_owners_language(self) -> None:
        browser = await self.browser_of(self.ada)
        await browser.post("/language", data={"language": "zh_Hans_CN"})
        await self.deny(self.ticket_id, by=self.dana, reason="私人旅行")
        await self.send_mails()
        mail, content = self.the_mail()
        self.assertEqual(mail["Subject"], f"报销单 {self.ticket_id} 已驳回：US$12.50")
        self.assertEqual(mail["Content-Language"], "zh-CN")
        self.assertIn("Ada，您好：", content)
        self.assertIn("原因：\n    私人旅行", content)

    async def test_many_at_once_are_written_with_as_many_statements_as_one(self) -> None:
        numbers = [await self.new_ticket(self.ada) for _ in range(30)]
        sent = []
        for chosen in (numbers[:1], numbers[1:]):
            async with self.database.transaction() as connection:
                seen_at = await now(connection)
                with self.counted_statements() as statements:
                    await decide_tickets(
                        connection,
                        dict.fromkeys(chosen, seen_at),
                        TicketStatus.DENIED,
                        actor=self.dana,
                        reason="Too late",
                    )
            sent.append(len(statements))
        self.assertEqual(sent[0], sent[1])
        events = {event.ticket_id: event.id for event in await self.events("ticket.denied")}
        messages = await self.messages()
        self.assertEqual({one.ticket_id: one.event_id for one in messages}, events)
        while await self.send_mails():
            pass
        self.assertEqual(
            {mail["Subject"] for mail in self.mail_box.mails},
            {f"Ticket {number} is denied: $12.50" for number in numbers},
        )


class Nobody(MailTestCase):
    """Who gets no mail."""

    async def assert_nothing_sent(self) -> None:
        await self.send_mails()
        self.assertEqual(self.mail_box.mails, [])
        self.assertEqual(await self.messages(), [])

    async def test_a_suspended_owner(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        await self.suspend(self.ada, by=self.dana)
        self.assertEqual(len(await self.messages()), 1)
        await self.assert_nothing_sent()

    async def test_an_owner_who_has_switched_them_off(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        async with self.database.transaction() as connection:
            await account.switch_mails(connection, on=False, actor=self.ada)
        await self.assert_nothing_sent()

    async def test_an_owner_whose_ticket_was_not_decided_after_all(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            async with self.database.transaction() as connection:
                await approve_ticket(connection, self.ticket_id, actor=self.dana)
                raise ZeroDivisionError
        self.assertEqual((await self.events("ticket.approved")), [])
        self.assertFalse(self.database.outgoing[Channel.MAIL].is_set())
        await self.assert_nothing_sent()

    async def test_anybody_where_no_mail_server_is_named(self) -> None:
        self.database.outgoing = {}
        await self.approve(self.ticket_id, by=self.dana)
        await self.assert_nothing_sent()

    async def test_the_suspended_about_the_suspension(self) -> None:
        await self.suspend(self.ada, by=self.dana)
        await self.assert_nothing_sent()


class Hostile(MailTestCase):
    async def test_words_of_people_add_no_header_and_no_recipient(self) -> None:
        name = "x\r\nBcc: eve@evil.example\u2028\u202e\x85 <eve@evil.example>,"[:80]
        for username in (name, "😀报销" * 26, '"', "=?utf-8?q?=0ABcc=3A_eve?=", "a" * 80):
            with self.subTest(username=username):
                self.mail_box.mails.clear()
                await self.change(username=username)
                ticket_id = await self.new_ticket(self.ada)
                await self.approve(ticket_id, by=self.dana)
                await self.send_mails()
                mail, _ = self.the_mail()
                # That these are the recipients of the envelope, too, the mail server asserts.
                [to] = mail["To"].addresses
                self.assertEqual(to.addr_spec, self.ada.email)
                self.assertIsNone(mail["Bcc"])
                self.assertEqual(mail.defects, [])
                self.assertEqual(mail["Subject"], f"Ticket {ticket_id} is approved: $12.50")

    async def test_long_words_and_lone_dots_arrive_as_they_are(self) -> None:
        for description in ("报" * 500, "x" * 500, "a\n.\nb\n\nBcc: eve@evil.example", "."):
            with self.subTest(description=description[:20]):
                self.mail_box.mails.clear()
                ticket_id = await self.new_ticket(self.ada, description="Lunch")
                async with self.database.transaction() as connection:
                    await connection.execute(
                        text("UPDATE tickets SET description = :text WHERE id = :id"),
                        {"text": description, "id": ticket_id},
                    )
                await self.deny(ticket_id, by=self.dana, reason=description)
                await self.send_mails()
                mail, content = self.the_mail()
                quoted = "\n".join(f"    {line}".rstrip() for line in description.split("\n"))
                self.assertIn(f"{quoted}\n    $12.50\n", content)
                self.assertIn(f"Reason:\n{quoted}\n", content)
                self.assertIsNone(mail["Bcc"])
                raw = mail.as_bytes().splitlines()
                self.assertLess(max(map(len, raw)), 998)


class Refused(MailTestCase):
    async def test_what_the_server_does_not_take_now_it_gets_later(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        [before] = await self.messages()
        self.mail_box.recipient_answer = "450 greylisted"
        with self.assertLogs("expenses.notifications.delivery", "WARNING") as logs:
            await self.send_mails()
        self.assertNotIn(self.ada.email, str([vars(record) for record in logs.records]))
        [waiting] = await self.messages()
        self.assertEqual((waiting.state, waiting.attempts), (State.WAITING, 1))
        self.assertIn("450", waiting.problem or "")
        self.assertEqual(await self.send_mails(), 0)
        self.mail_box.recipient_answer = "250 OK"
        await self.pass_time()
        await self.send_mails()
        self.assertEqual(self.mail_box.ids, [f"<{before.key}@contoso.example>"])
        self.assertEqual(await self.messages(), [])

    async def test_an_address_that_does_not_exist_is_given_up_and_kept_visible(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        self.mail_box.recipient_answer = "550 no such user"
        with self.assertLogs("expenses.notifications.delivery", "ERROR"):
            await self.send_mails()
        await self.pass_time()
        self.assertEqual(await self.send_mails(), 0)
        [failed] = await self.messages()
        self.assertEqual(failed.state, State.FAILED)
        self.assertIn("550, recipient: no such user", failed.problem or "")

    async def test_one_refusal_holds_up_nobody_else(self) -> None:
        await self.change(email="nobody@-.example")
        await self.approve(self.ticket_id, by=self.dana)
        ben = await self.new_employee()
        await self.approve(await self.new_ticket(ben), by=self.dana)
        with patch.object(self.mail_box, "handle_RCPT", _refuse_nobody):
            await self.send_mails()
        self.assertEqual(
            [mail["To"].addresses[0].addr_spec for mail in self.mail_box.mails], [ben.email]
        )

    async def test_it_is_given_up_in_the_end(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        self.mail_box.recipient_answer = "450 not now"
        tries = 0
        while await self.send_mails():
            await self.pass_time()
            tries += 1
        [failed] = await self.messages()
        self.assertEqual((tries, failed.attempts, failed.state), (14, 14, State.FAILED))

    async def test_a_server_that_is_away_is_tried_again(self) -> None:
        self.mail_box = MailBox()
        self.settings = self.settings.model_copy(
            update={"smtp_url": Secret(AnyUrl(self.mail_box.url))}
        )
        await self.approve(self.ticket_id, by=self.dana)
        await self.send_mails()
        [waiting] = await self.messages()
        self.assertEqual((waiting.attempts, waiting.state), (1, State.WAITING))
        self.enterContext(self.mail_box)
        await self.pass_time()
        await self.send_mails()
        self.assertEqual(len(self.mail_box.mails), 1)

    async def test_a_server_that_hangs_is_not_waited_for(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        self.mail_box.takes_mails.clear()
        with patch("expenses.notifications.channels.SEND_SECONDS", 0.3):
            await self.send_mails()
        self.mail_box.takes_mails.set()
        [waiting] = await self.messages()
        self.assertIn("Timeout", waiting.problem or "")

    async def test_what_cannot_be_written_is_tried_later_too(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        async with self.database.transaction() as connection:
            await connection.execute(text("UPDATE outbox SET action = 'of.the_future'"))
        with self.assertLogs("expenses.notifications.delivery", "ERROR"):
            await self.send_mails()
        [waiting] = await self.messages()
        self.assertEqual((waiting.state, waiting.problem), (State.WAITING, "unexpected"))


async def _refuse_nobody(_server: Any, _connection: Any, envelope: Any, to: str, _: Any) -> str:
    if to.startswith("nobody"):
        return "550 no"
    envelope.rcpt_tos.append(to)
    return "250 OK"


class Passwords(MailTestCase):
    def settings_with_targets(self) -> Settings:
        self.mail_box = self.enterContext(MailBox(takes_passwords=True))
        address = self.mail_box.url.replace("//", "//ann:p%40ss@")
        return make_settings(smtp_url=address, public_url=SITE)

    async def test_one_is_never_sent_in_the_clear_unasked(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        await self.send_mails()
        self.assertEqual((self.mail_box.mails, self.mail_box.passwords), ([], []))
        [waiting] = await self.messages()
        self.assertEqual(waiting.attempts, 1)

    async def test_it_is_where_the_setting_asks_for_it(self) -> None:
        assert self.settings.smtp_url is not None
        address = str(self.settings.smtp_url.get_secret_value()) + "?starttls=false"
        self.settings = make_settings(smtp_url=address, public_url=SITE)
        await self.approve(self.ticket_id, by=self.dana)
        await self.send_mails()
        self.assertEqual(len(self.mail_box.mails), 1)
        [password] = self.mail_box.passwords
        self.assertEqual(password, LoginPassword(b"ann", b"p@ss"))


class WebhookTestCase(DeliveryTestCase):
    def settings_with_targets(self) -> Settings:
        self.hook: Hook = self.enterContext(listening_hook())
        return make_settings(webhook_url=self.hook.url, webhook_secret=SecretStr(SECRET))

    async def post(self) -> int:
        return await self.send(Channel.WEBHOOK)

    def received(self, posted: Posted) -> Any:
        """As the README tells receivers to do it."""
        at, given = posted.headers["expenses-timestamp"], posted.headers["expenses-signature"]
        signed = hmac.new(SECRET.encode(), at.encode() + b"." + posted.body, hashlib.sha256)
        self.assertTrue(hmac.compare_digest(given, "sha256=" + signed.hexdigest()))
        self.assertLess(abs(time.time() - int(at)), 300)
        return json.loads(posted.body)


class Webhook(WebhookTestCase):
    async def test_a_decision_is_posted_with_what_it_takes_to_book_it(self) -> None:
        await self.deny(self.ticket_id, by=self.dana, reason="A private trip")
        await self.post()
        [posted] = self.hook.posted
        event = await self.last_event()
        self.assertEqual(
            self.received(posted),
            {
                "id": posted.headers["expenses-id"],
                "event_id": event.id,
                "action": "ticket.denied",
                "at": event.at.isoformat(),
                "actor": {"id": self.dana.id, "username": "Dana"},
                "ticket": {
                    "id": self.ticket_id,
                    "status": "denied",
                    "amount": "12.50",
                    "currency": "USD",
                    "owner": {"id": self.ada.id, "username": "Ada"},
                },
            },
        )
        self.assertEqual(posted.headers["content-type"], "application/json")
        self.assertEqual(await self.messages(), [])

    async def test_suspending_and_reactivating_are_posted(self) -> None:
        await self.suspend(self.ada, by=self.dana)
        async with self.database.transaction() as connection:
            await actions.reactivate(connection, self.ada.id, actor=self.dana)
        await self.post()
        bodies = [self.received(posted) for posted in self.hook.posted]
        ada = {"id": self.ada.id, "username": "Ada", "role": "employee"}
        self.assertEqual(
            [(body["action"], body["user"]) for body in bodies],
            [
                ("user.suspended", ada | {"suspended": True}),
                ("user.reactivated", ada | {"suspended": False}),
            ],
        )

    async def test_taking_a_decision_back_is_posted(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        async with self.database.transaction() as connection:
            await reopen_ticket(connection, self.ticket_id, actor=self.dana, reason="Too hasty")
        await self.post()
        statuses = [self.received(posted)["ticket"]["status"] for posted in self.hook.posted]
        self.assertEqual(statuses, ["approved", "pending"])

    async def test_an_error_is_answered_with_the_same_message_later(self) -> None:
        self.hook.answers = [500]
        await self.approve(self.ticket_id, by=self.dana)
        await self.post()
        [waiting] = await self.messages()
        self.assertEqual((waiting.state, waiting.problem), (State.WAITING, "HTTP 500"))
        await self.pass_time()
        await self.post()
        first, second = self.hook.posted
        self.assertEqual(self.received(first), self.received(second))
        self.assertEqual(first.headers["expenses-id"], second.headers["expenses-id"])
        self.assertEqual(await self.messages(), [])

    async def test_redirects_are_not_followed(self) -> None:
        self.hook.answers = [307]
        await self.approve(self.ticket_id, by=self.dana)
        await self.post()
        self.assertEqual(len(self.hook.posted), 1)
        [waiting] = await self.messages()
        self.assertEqual(waiting.problem, "HTTP 307")

    async def test_a_receiver_that_hangs_is_not_waited_for(self) -> None:
        self.hook.takes.clear()
        await self.approve(self.ticket_id, by=self.dana)
        with patch("expenses.notifications.channels.SEND_SECONDS", 0.3):
            await self.post()
        [waiting] = await self.messages()
        self.assertEqual((waiting.state, waiting.attempts), (State.WAITING, 1))

    async def test_a_changed_body_or_time_does_not_fit_the_signature(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        await self.post()
        [posted] = self.hook.posted
        for forged in (
            posted._replace(body=posted.body.replace(b"approved", b"denied!!")),
            posted._replace(headers=posted.headers | {"expenses-timestamp": "1"}),
        ):
            with self.assertRaises(AssertionError):
                self.received(forged)


class Waiting(WebhookTestCase):
    async def test_each_delay_is_about_twice_the_one_before_up_to_a_limit(self) -> None:
        delays = [delay_after(attempt) for attempt in range(1, MAX_ATTEMPTS)]
        self.assertLess(delays[0], timedelta(seconds=20))
        self.assertGreater(delays[4], delays[2])
        self.assertLess(max(delays), timedelta(hours=8))
        self.assertGreater(sum(delays, timedelta()), timedelta(hours=12))
        self.assertGreater(len({delay_after(9) for _ in range(5)}), 1)

    async def test_who_is_told_to_stop_gives_back_what_was_not_tried(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        stopping = asyncio.Event()
        stopping.set()
        await deliver_due(self.database, Channel.WEBHOOK, self.settings, stopping)
        self.assertEqual(self.hook.posted, [])
        await self.post()
        self.assertEqual(len(self.hook.posted), 1)

    async def test_what_is_claimed_is_nobody_elses_until_the_lease_ends(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        async with self.database.transaction() as connection:
            claimed = await outbox.claim(connection, Channel.WEBHOOK, most=10)
        self.assertEqual(len(claimed), 1)
        self.assertEqual(await self.post(), 0)
        await self.pass_time()
        self.assertEqual(await self.post(), 1)

    async def test_who_was_too_slow_changes_nothing_any_more(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        async with self.database.transaction() as connection:
            [claimed] = await outbox.claim(connection, Channel.WEBHOOK, most=10)
            # As after the lease, when another process has claimed it.
            await connection.execute(text("UPDATE outbox SET due_at = due_at + interval '1 min'"))
            await outbox.give_up(connection, claimed, "too slow")
        [message] = await self.messages()
        self.assertEqual((message.state, message.attempts), (State.WAITING, 0))

    async def test_old_ones_are_deleted_by_housekeeping(self) -> None:
        await self.approve(self.ticket_id, by=self.dana)
        await self.deny(await self.new_ticket(self.ada), by=self.dana)
        old, _ = await self.messages()
        async with self.database.transaction() as connection:
            await connection.execute(
                text("UPDATE outbox SET created_at = now() - interval '31 days' WHERE id = :id"),
                {"id": old.id},
            )
            await outbox.delete_old(connection)
        self.assertEqual(
            [message.ticket_id == self.ticket_id for message in await self.messages()], [False]
        )

    async def test_new_ones_wake_the_sender_once_they_are_committed(self) -> None:
        news = self.database.outgoing[Channel.WEBHOOK]
        async with self.database.transaction() as connection:
            await actions.suspend(connection, self.ada.id, actor=self.dana)
            self.assertFalse(news.is_set())
        self.assertTrue(news.is_set())

    async def test_a_failing_round_is_not_the_last_one(self) -> None:
        async def fail() -> int:
            raise ZeroDivisionError

        with self.assertLogs("expenses.notifications.delivery", "ERROR"):
            self.assertEqual(await deliveries._logged(fail), 0)
