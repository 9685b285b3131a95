"""What the settings for notifications take, and what they say of what they do not take."""

import os
import unittest
from unittest.mock import patch

from pydantic import SecretStr

from expenses.errors import CannotStart
from expenses.notifications.mail_server import MailServer, mail_server
from expenses.settings import Settings, read_settings

SECRET = "sixteen or longer"


def read(**environment: str) -> Settings:
    with patch.dict(os.environ, environment, clear=True):
        return read_settings()


class SettingsTestCase(unittest.TestCase):
    def assert_refused(self, variable: str, value: str, **others: str) -> str:
        with self.assertRaises(CannotStart) as refusal:
            read(**{variable: value}, **others)
        message = refusal.exception.message
        self.assertIn(f"{variable}: ", message)
        return message


class SmtpUrl(SettingsTestCase):
    def test_is_taken_apart(self) -> None:
        for address, server in {
            "smtp://localhost:2525": MailServer("localhost", 2525, None, None, "none"),
            "smtp://localhost": MailServer("localhost", 25, None, None, "none"),
            "smtp://host?starttls=true": MailServer("host", 587, None, None, "starttls"),
            "smtp://ann:p%40ss@host": MailServer("host", 587, "ann", "p@ss", "starttls"),
            "smtp://ann:word@host:25?starttls=false": MailServer("host", 25, "ann", "word", "none"),
            "smtps://ann:word@host/": MailServer("host", 465, "ann", "word", "tls"),
            "smtp://[::1]:26": MailServer("::1", 26, None, None, "none"),
        }.items():
            with self.subTest(address=address):
                read_address = read(SMTP_URL=address).smtp_url
                assert read_address is not None
                self.assertEqual(mail_server(read_address), server)

    def test_is_refused_without_being_repeated(self) -> None:
        for address in (
            "host:25",
            "http://hidden@host",
            "smtp://",
            "smtp://host:hidden",
            "smtp://hidden@host/path",
            "smtp://u:hidden@host?starttls=maybe",
            "smtp://u:hidden@host?tls=true",
            "smtp://[hidden",
        ):
            with self.subTest(address=address):
                self.assertNotIn("hidden", self.assert_refused("SMTP_URL", address))


class MailFrom(SettingsTestCase):
    def test_is_one_address_with_or_without_a_name(self) -> None:
        for sender in ("a@b.example", "报销 <a@b.example>", '"Doe, Jane" <jane@b.example>'):
            self.assertEqual(read(MAIL_FROM=sender).mail_from, sender)

    def test_is_refused_otherwise(self) -> None:
        for sender in ("nobody", "x <y>", "a@b, c@d", "a@b\r\nBcc: c@d", "ü@b.example", "<", "@"):
            with self.subTest(sender=sender):
                self.assert_refused("MAIL_FROM", sender)


class DatabaseReplicaUrl(SettingsTestCase):
    def test_is_refused_without_a_database_that_it_copies(self) -> None:
        address = "postgresql://hidden@replica/expenses"
        self.assertNotIn("hidden", self.assert_refused("DATABASE_REPLICA_URL", address))
        read_address = read(DATABASE_URL="postgresql://host/expenses", DATABASE_REPLICA_URL=address)
        self.assertEqual(read_address.database_replica_url, address)


class WebhookUrl(SettingsTestCase):
    def test_takes_a_secret(self) -> None:
        settings = read(WEBHOOK_URL="https://host/hook?token=1", WEBHOOK_SECRET=SECRET)
        self.assertEqual(str(settings.webhook_url), "https://host/hook?token=1")
        self.assertEqual(settings.webhook_secret, SecretStr(SECRET))

    def test_is_refused_without_one(self) -> None:
        with self.assertRaisesRegex(CannotStart, "WEBHOOK_SECRET: is not set, but WEBHOOK_URL is"):
            read(WEBHOOK_URL="https://host/hook")

    def test_takes_no_short_one(self) -> None:
        message = self.assert_refused("WEBHOOK_SECRET", "guessable", WEBHOOK_URL="http://host")
        self.assertNotIn("guessable", message)

    def test_is_an_address_of_the_web(self) -> None:
        for address in (
            "host/hook",
            "ftp://host",
            "https://",
            "http://a b",
            "http://h:x",
            "http://[",
        ):
            with self.subTest(address=address):
                self.assert_refused("WEBHOOK_URL", address, WEBHOOK_SECRET=SECRET)


class PublicUrl(SettingsTestCase):
    def test_ends_without_a_slash(self) -> None:
        for address in ("https://expenses.example", "https://expenses.example/"):
            self.assertEqual(str(read(PUBLIC_URL=address).public_url), "https://expenses.example/")

    def test_is_the_site_alone(self) -> None:
        for address in (
            "expenses.example",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https://u@a",
        ):
            with self.subTest(address=address):
                self.assert_refused("PUBLIC_URL", address)


class AllowedHosts(SettingsTestCase):
    def test_are_names(self) -> None:
        for text, names in {
            "localhost": ["localhost"],
            "expenses.contoso.example, 127.0.0.1": ["expenses.contoso.example", "127.0.0.1"],
            "*.contoso.example": ["*.contoso.example"],
            "*": ["*"],
            "[::1],Expenses.Contoso.example": ["[::1]", "expenses.contoso.example"],
        }.items():
            self.assertEqual(read(ALLOWED_HOSTS=text).allowed_hosts, names)

    def test_are_refused_where_nobody_would_get_in(self) -> None:
        for text in ("a*b", ",", "localhost:8000", "https://contoso.example", "contoso/x"):
            with self.subTest(text=text):
                self.assert_refused("ALLOWED_HOSTS", text)


class Registration(SettingsTestCase):
    def test_domains_are_those_of_e_mails(self) -> None:
        for text, names in {
            "contoso.example": ["contoso.example"],
            "Contoso.Example, xn--bcher-kva.example": ["contoso.example", "bücher.example"],
        }.items():
            settings = read(REGISTRATION="domains", REGISTRATION_DOMAINS=text, SMTP_URL="smtp://a")
            self.assertEqual(settings.registration_domains, names)
        for text in ("contoso", "@contoso.example", "ada@contoso.example", "*.contoso.example"):
            with self.subTest(text=text):
                self.assert_refused(
                    "REGISTRATION_DOMAINS", text, REGISTRATION="domains", SMTP_URL="smtp://a"
                )

    def test_what_does_not_fit_together_is_refused(self) -> None:
        message = self.assert_refused("REGISTRATION", "domains", REGISTRATION_DOMAINS="a.example")
        self.assertIn("SMTP_URL is not set", message)
        self.assert_refused("REGISTRATION", "nobody")
        for registration, domains in (("domains", ""), ("open", "contoso.example")):
            self.assert_refused(
                "REGISTRATION_DOMAINS", domains, REGISTRATION=registration, SMTP_URL="smtp://a"
            )
        self.assertEqual(read(REGISTRATION="invited").registration, "invited")


class WithoutAny(SettingsTestCase):
    def test_nothing_is_sent(self) -> None:
        settings = read()
        self.assertIsNone(settings.smtp_url)
        self.assertIsNone(settings.webhook_url)
