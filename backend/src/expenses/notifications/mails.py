"""Plain-text mails in the recipient's language."""

from datetime import datetime
from decimal import Decimal
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any

from expenses.i18n.formats import Formats
from expenses.i18n.languages import LANGUAGES, gettext, ngettext, speaking
from expenses.i18n.text import ENGLISH, N_
from expenses.notifications.digest import ACTION as DIGEST
from expenses.notifications.links import (
    account_link,
    confirmation_link,
    email_link,
    invitation_link,
    paid_link,
    queue_link,
    reset_link,
    switch_off_link,
    ticket_link,
)
from expenses.notifications.outbox import ClaimedMessage
from expenses.notifications.security_mails import (
    SECURITY_MAILS,
    WARNINGS,
    one_line,
    security_mail,
)
from expenses.settings import Settings
from expenses.tickets.counts import Count
from expenses.users import email_change
from expenses.users.confirmations import CONFIRMATION_SENT
from expenses.users.invitations import INVITATION_SENT
from expenses.users.models import Role
from expenses.users.queries import UserView
from expenses.users.resets import LINK_REQUESTED

_SUBJECTS = {
    "ticket.approved": N_("Ticket %(id)s is approved: %(amount)s"),
    "ticket.denied": N_("Ticket %(id)s is denied: %(amount)s"),
    "ticket.reopened": N_("Ticket %(id)s is pending again: %(amount)s"),
}
_SENTENCES = {
    "ticket.approved": N_("%(actor)s has approved your ticket %(id)s."),
    "ticket.denied": N_("%(actor)s has denied your ticket %(id)s."),
    "ticket.reopened": N_("%(actor)s has reopened your ticket %(id)s; it is pending again."),
}


class _Policy(EmailPolicy):
    """Keeps a long unsubscribe link whole: the library would encode it piece by piece."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name == "List-Unsubscribe":
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


_POLICY = _Policy(linesep="\r\n")


def compose(
    message: ClaimedMessage,
    *,
    recipient: UserView | None,
    actor: UserView | None,
    settings: Settings,
) -> EmailMessage:
    """Compose a mail; the same message always gives the same Message-ID.

    Without a recipient, it goes to an address that nobody has registered yet.
    """
    language = recipient.language if recipient else message.facts["language"]
    language = language if language in LANGUAGES else ENGLISH
    with speaking(language):
        subject, paragraphs = _content(message, actor, Formats(settings, language), settings)
        if recipient is None:
            text = [gettext("Hello,"), *paragraphs]
        else:
            greeting = gettext("Hello %(username)s,", username=one_line(recipient.username))
            text = [greeting, *paragraphs, f"-- \n{_ending(message, recipient, settings)}"]
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = settings.mail_from
    if recipient is None:
        mail["To"] = Address(addr_spec=message.facts["to"])
    else:
        mail["To"] = Address(_name(recipient.username), addr_spec=recipient.email)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(message.created_at.astimezone(settings.timezone))
    mail["Message-ID"] = f"<{message.key}@{mail['From'].addresses[0].domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    if recipient is not None and message.action not in WARNINGS:
        mail["List-Unsubscribe"] = f"<{switch_off_link(recipient.id, settings)}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content("\n\n".join(text) + "\n")
    mail["Content-Language"] = language.replace("_Hans_", "-")
    return mail


def _content(
    message: ClaimedMessage, actor: UserView | None, formats: Formats, settings: Settings
) -> tuple[str, list[str]]:
    if message.action == DIGEST:
        return _digest(message, formats, settings)
    if message.action == LINK_REQUESTED:
        return _reset_link(message, settings)
    if message.action == email_change.LINK_REQUESTED:
        return _email_link(message, settings)
    if message.action == email_change.TAKEN:
        return _taken(settings)
    if message.action in SECURITY_MAILS:
        return security_mail(message, settings)
    if message.action in WARNINGS:
        return _warning(message, settings)
    if message.action == "payment_run.paid":
        return _payment(message, formats, settings)
    if message.action == INVITATION_SENT:
        return _invitation(message, actor, formats, settings)
    if message.action == CONFIRMATION_SENT:
        return _confirmation(message, settings)
    return _decision(message, actor, formats, settings)


def _ending(message: ClaimedMessage, recipient: UserView, settings: Settings) -> str:
    if message.action in WARNINGS:
        return gettext("This e-mail protects your account, so it cannot be turned off.")
    link = switch_off_link(recipient.id, settings)
    return gettext("Turn these e-mails off:") + f"\n{link}"


def _decision(
    message: ClaimedMessage, actor: UserView | None, formats: Formats, settings: Settings
) -> tuple[str, list[str]]:
    facts, ticket_id = message.facts, message.ticket_id
    assert ticket_id is not None
    amount = formats.money(Decimal(facts["amount"]), facts["currency"])
    name = one_line(actor.username) if actor else ""
    paragraphs = [
        gettext(_SENTENCES[message.action], actor=name, id=ticket_id),
        _quoted(f"{facts['description']}\n{amount}"),
    ]
    if facts["reason"]:
        paragraphs.append(gettext("Reason:") + "\n" + _quoted(facts["reason"]))
    paragraphs.append(ticket_link(ticket_id, settings))
    return gettext(_SUBJECTS[message.action], id=ticket_id, amount=amount), paragraphs


def _digest(message: ClaimedMessage, formats: Formats, settings: Settings) -> tuple[str, list[str]]:
    facts = message.facts
    number = facts["number"]
    subject = ngettext(
        "%(number)s ticket is waiting for a decision",
        "%(number)s tickets are waiting for a decision",
        number,
        number=formats.count(Count(number, facts["is_capped"])),
    )
    sums = "\n".join(
        formats.money(Decimal(amount), currency) for currency, amount in facts["amounts"].items()
    )
    oldest = formats.moment(datetime.fromisoformat(facts["oldest"]))
    paragraphs = [
        subject,
        *([_quoted(sums)] if sums else []),
        gettext("The oldest was filed on %(moment)s.", moment=oldest),
        queue_link(settings),
    ]
    return subject, paragraphs


def _payment(
    message: ClaimedMessage, formats: Formats, settings: Settings
) -> tuple[str, list[str]]:
    facts = message.facts
    amount = formats.money(Decimal(facts["amount"]), facts["currency"])
    number = facts["tickets"]
    paragraphs = [
        ngettext(
            "It pays %(number)s of your tickets, in payment run %(run)s.",
            "It pays %(number)s of your tickets, in payment run %(run)s.",
            number,
            number=number,
            run=facts["run"],
        ),
        paid_link(settings),
    ]
    return gettext("%(amount)s is on its way to you", amount=amount), paragraphs


def _warning(message: ClaimedMessage, settings: Settings) -> tuple[str, list[str]]:
    payout = message.facts["payout"]
    if message.action == "user.payout_removed":
        subject = gettext("Your payout details were removed")
        fact = gettext("You will not be paid to %(payout)s any more.", payout=payout)
    else:
        subject = gettext("Your payout details were changed")
        fact = gettext("You will be paid to %(payout)s from now on.", payout=payout)
    advice = gettext("If it was not you, change your password at once, and tell your employer.")
    return subject, [fact, advice, account_link(settings)]


def _reset_link(message: ClaimedMessage, settings: Settings) -> tuple[str, list[str]]:
    return gettext("Set a new password"), [
        gettext("With this link you can set a new password. It works once, for 30 minutes:"),
        reset_link(message.facts["secret"], settings),
        gettext("If you didn't ask for it, you can ignore this e-mail."),
    ]


def _email_link(message: ClaimedMessage, settings: Settings) -> tuple[str, list[str]]:
    return gettext("Confirm your new e-mail"), [
        gettext(
            "With this link you change the e-mail of your account to this one. It works once, for "
            "30 minutes:"
        ),
        email_link(message.facts["secret"], settings),
        gettext("If you didn't ask for it, you can ignore this e-mail."),
    ]


def _taken(settings: Settings) -> tuple[str, list[str]]:
    return gettext("You have an account with this e-mail"), [
        gettext(
            "Somebody asked to use this e-mail for another account. Nothing was changed, since "
            "yours has it."
        ),
        account_link(settings),
    ]


def _invitation(
    message: ClaimedMessage, actor: UserView | None, formats: Formats, settings: Settings
) -> tuple[str, list[str]]:
    name = one_line(actor.username) if actor else settings.company
    if message.facts["role"] == Role.EMPLOYER:
        fact = gettext("%(name)s invites you as an employer, who decides expenses.", name=name)
    else:
        fact = gettext("%(name)s invites you as an employee, who files expenses.", name=name)
    until = formats.moment(datetime.fromisoformat(message.facts["expires_at"]))
    return gettext("Your invitation to Contoso Expenses"), [
        fact,
        gettext(
            "With this link you choose your name and a password. It works once, until %(moment)s:",
            moment=until,
        ),
        invitation_link(message.facts["secret"], settings),
        gettext("If you don't know what this is about, you can ignore this e-mail."),
    ]


def _confirmation(message: ClaimedMessage, settings: Settings) -> tuple[str, list[str]]:
    return gettext("Confirm your e-mail"), [
        gettext("With this link you go on registering. It works once, for 30 minutes:"),
        confirmation_link(message.facts["secret"], settings),
        gettext("If you didn't ask for it, you can ignore this e-mail."),
    ]


def _quoted(text: str) -> str:
    return "\n".join(f"    {one_line(line)}".rstrip() for line in text.split("\n"))


def _name(text: str) -> str:
    """Escape a name for a header, where =?…?= would be decoded."""
    return one_line(text).replace("=?", "= ?")
