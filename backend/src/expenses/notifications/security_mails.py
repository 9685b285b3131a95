"""What e-mails say of changes to how one logs in. They protect an account, so all are sent."""

from typing import NamedTuple

from expenses.i18n.languages import gettext
from expenses.i18n.text import N_
from expenses.notifications.links import account_link
from expenses.notifications.outbox import ClaimedMessage
from expenses.settings import Settings
from expenses.users.clients import client_name


class SecurityMail(NamedTuple):
    """What has happened. Both may name the message's facts, such as %(name)s."""

    subject: str
    sentence: str


SECURITY_MAILS = {
    "user.linked": SecurityMail(
        N_("You log in with %(name)s from now on"),
        N_(
            "Somebody has logged in to your account with %(name)s for the first time. Your "
            "password, passkeys and tokens no longer work, and all other sessions have ended. Look "
            "on your account page whether the payout details are yours."
        ),
    ),
    "user.new_device": SecurityMail(
        N_("Log-in on a new device"),
        N_("Somebody has logged in to your account with %(client)s, from %(address)s."),
    ),
    "user.email_change_requested": SecurityMail(
        N_("Somebody asked to change your e-mail"),
        N_("It will be %(email)s once the link that was sent there is confirmed, and not before."),
    ),
    "user.email_changed": SecurityMail(
        N_("Your e-mail was changed"),
        N_("You log in with %(email)s from now on, and e-mails go there instead of here."),
    ),
    "user.password_changed": SecurityMail(
        N_("Your password was changed"),
        N_("You were logged out everywhere but where the password was changed."),
    ),
    "user.password_reset": SecurityMail(
        N_("Your password was changed"),
        N_(
            "A new password was set by a link that you or your employer asked for, and you were "
            "logged out everywhere."
        ),
    ),
    "user.passkey_added": SecurityMail(
        N_("A passkey was added"), N_("You can log in with the passkey %(passkey)s from now on.")
    ),
    "user.passkey_removed": SecurityMail(
        N_("A passkey was removed"), N_("You cannot log in with the passkey %(passkey)s any more.")
    ),
    "user.recovery_codes_made": SecurityMail(
        N_("You have new recovery codes"), N_("The ones you had before do not work any more.")
    ),
    "user.recovery_code_used": SecurityMail(
        N_("A recovery code was used"),
        N_("Somebody logged in with your password and a recovery code. Codes left: %(left)s."),
    ),
    "user.second_factor_reset": SecurityMail(
        N_("Your passkeys were removed"),
        N_(
            "Your employer or whoever runs this server has removed your passkeys and recovery "
            "codes. You were logged out everywhere; your password has not changed."
        ),
    ),
    "token.created": SecurityMail(
        N_("A token for a program was made"),
        N_("A program that shows the token “%(name)s” can now use the API in your name."),
    ),
}
# Sent even to those who turned e-mails off: a stranger could have done that before.
WARNINGS = SECURITY_MAILS.keys() | {
    "user.payout_changed",
    "user.payout_removed",
    "password.reset_requested",
    "email.link_requested",
    "email.taken",
}
# After these, the owner may be locked out, and needs a link instead of the account page.
_NEW_PASSWORDS = {"user.password_changed", "user.password_reset"}


def security_mail(message: ClaimedMessage, settings: Settings) -> tuple[str, list[str]]:
    """Return the subject and the paragraphs."""
    subject, sentence = SECURITY_MAILS[message.action]
    if message.action in _NEW_PASSWORDS:
        advice = gettext("If this wasn't you, set another one at once:")
        link = f"{settings.public_url}forgot"
    else:
        advice = gettext("If it was not you, change your password at once, and tell your employer.")
        link = account_link(settings)
    facts = {name: one_line(str(value)) for name, value in message.facts.items()}
    if "client" in facts:
        facts["client"] = client_name(facts["client"])
    return gettext(subject, **facts), [gettext(sentence, **facts), f"{advice}\n{link}"]


def one_line(text: str) -> str:
    """Replace line breaks, control characters and marks that change the text's direction."""
    return "".join(character if character.isprintable() else " " for character in text).strip()
