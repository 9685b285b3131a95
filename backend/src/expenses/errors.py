"""What can go wrong, in the product's words and without HTTP."""

import socket
import ssl
from typing import Any

from expenses.i18n.text import N_


class ExpensesError(Exception):
    """A refusal with a sentence that a person can act on.

    `code` is its stable name for programs; `details` is what a program needs beyond the sentence.
    The sentence is kept as a template and values, so that a door can translate it.
    """

    code = "error"
    template = N_("Something went wrong.")

    def __init__(self, template: str | None = None, **values: Any) -> None:
        self.template = template or type(self).template
        self.values = values
        self.details: dict[str, Any] = {}
        super().__init__(self.message)

    @property
    def message(self) -> str:
        return self.template % self.values if self.values else self.template


class CannotStart(ExpensesError):
    """The application cannot run here; the message says what to change."""

    code = "cannot-start"


class CannotBackUp(ExpensesError):
    """The database was not backed up or restored; nothing is left half done."""

    code = "cannot-back-up"


class CannotGrant(ExpensesError):
    """No privileges were granted; the message says why."""

    code = "cannot-grant"


class CannotReset(ExpensesError):
    """Neither a password nor a second factor was reset; the message says why."""

    code = "cannot-reset"


class CannotErase(ExpensesError):
    """Nobody was erased; the message says why."""

    code = "cannot-erase"


class InvalidInput(ExpensesError):
    """`fields` names every field that is wrong and says why."""

    code = "invalid-input"
    template = N_("Please check the fields below.")

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__()
        self.fields = fields


class NotLoggedIn(ExpensesError):
    code = "not-logged-in"
    template = N_("Please log in first.")


class SessionNeeded(NotLoggedIn):
    """A program's token was shown where only a person who has logged in may act."""

    code = "session-needed"
    template = N_("A token cannot do this. Log in with e-mail and password instead.")


class WrongPassword(ExpensesError):
    code = "wrong-password"
    template = N_("The password is wrong.")


class Suspended(ExpensesError):
    code = "suspended"
    template = N_("This account is suspended. Please ask your employer.")


class SecondFactorRequired(ExpensesError):
    """The password was right; `details` holds the `user_id`, and the `verified_hash`."""

    code = "second-factor-required"
    template = N_(
        "This account asks for a passkey after the password. Log in with a browser instead."
    )

    def __init__(self, user_id: int | None = None, verified_hash: str | None = None) -> None:
        super().__init__()
        self.details.update(user_id=user_id, verified_hash=verified_hash)


class PasskeyRefused(ExpensesError):
    code = "passkey-refused"
    template = N_("This passkey was not accepted. Try again, or use another one.")


class LogInExpired(ExpensesError):
    code = "log-in-expired"
    template = N_("The log-in took too long. Enter your e-mail and password again.")


class NotRegistered(ExpensesError):
    code = "not-registered"
    template = N_("No account uses this e-mail yet.")


class SignInFailed(ExpensesError):
    """Single sign-on did not prove who somebody is; the log says why."""

    code = "sign-in-failed"
    template = N_("%(name)s did not confirm who you are. Please try again.")


class EmailNotVerified(ExpensesError):
    code = "email-not-verified"
    template = N_(
        "%(name)s has not verified your e-mail. Ask whoever manages your account there to do so."
    )


class IssuerUnavailable(ExpensesError):
    code = "issuer-unavailable"
    template = N_("%(name)s is not responding right now. Please try again in a moment.")


class RegistrationExpired(ExpensesError):
    code = "registration-expired"
    template = N_("The registration took too long. Enter your e-mail and password again.")


class ResetExpired(ExpensesError):
    code = "reset-expired"
    template = N_("This link has been used or is too old. Ask for a new one.")


class ConfirmationExpired(ExpensesError):
    code = "confirmation-expired"
    template = N_(
        "This link has been used or is too old. Enter your e-mail and a password again for a new "
        "one."
    )


class InvitationExpired(ExpensesError):
    code = "invitation-expired"
    template = N_(
        "This invitation has been used or revoked, or is too old. Ask whoever invited you for "
        "another one."
    )


class Forbidden(ExpensesError):
    code = "forbidden"
    template = N_("You are not allowed to do this.")


class PasswordsOff(Forbidden):
    code = "passwords-off"
    template = N_("Passwords are not used here. Log in with %(name)s.")


class RegistrationClosed(Forbidden):
    code = "registration-closed"
    template = N_(
        "This e-mail is not registered, and only people with an invitation can register. Ask an "
        "employer for one."
    )


class CrossOrigin(Forbidden):
    code = "cross-origin"
    template = N_("This request came from another site and was blocked.")


class OwnTicket(Forbidden):
    code = "own-ticket"
    template = N_("You cannot decide a ticket of your own. Another employer can.")


class InsufficientScope(Forbidden):
    code = "insufficient-scope"
    template = N_("This token lacks the scope %(scope)s.")

    def __init__(self, scope: str) -> None:
        super().__init__(scope=scope)


class NotFound(ExpensesError):
    code = "not-found"
    template = N_("There is nothing here, or you do not have access to it.")


class InvitationGone(NotFound):
    template = N_("This invitation is not open any more.")


class Conflict(ExpensesError):
    """The current state refuses it; the message says what won."""

    code = "conflict"


class EmailTaken(Conflict):
    code = "email-taken"
    template = N_("This e-mail is already registered. Log in instead.")


class LinkedToAnother(Conflict):
    code = "linked-to-another"
    template = N_(
        "The account with this e-mail belongs to somebody else at %(name)s. "
        "Ask whoever runs this server."
    )


class AlreadyRegistered(Conflict):
    code = "already-registered"
    template = N_("%(email)s is already registered.")


class AlreadyInvited(Conflict):
    code = "already-invited"
    template = N_("%(email)s is already invited. Send that invitation again.")


class LastPasskey(Conflict):
    code = "last-passkey"
    template = N_(
        "Your company asks everybody in your role for a passkey, and this is your last one. "
        "Add another one first."
    )


class NotLinked(Conflict):
    code = "not-linked"
    template = N_("This user has never logged in by single sign-on.")


class UsernameTaken(Conflict):
    code = "username-taken"
    template = N_(
        "Another user has this name, or one that looks just like it. "
        "Add something that tells you apart, such as a surname."
    )


class TooManyTokens(Conflict):
    code = "too-many-tokens"
    template = N_("You have %(number)s tokens. Revoke one that you no longer use.")


class AlreadyDecided(Conflict):
    """`details` holds the ticket, with the decision that won."""

    code = "already-decided"


class NotPending(Conflict):
    """`details` holds the ticket as it is now."""

    code = "not-pending"


class NotDecided(Conflict):
    """`details` holds the ticket as it is now."""

    code = "not-decided"
    template = N_("Ticket %(id)s is not decided, so there is nothing to reopen.")


class TicketChanged(Conflict):
    """`details` holds the ticket as it is now."""

    code = "ticket-changed"
    template = N_("Ticket %(id)s has changed since you saw it. Please look at it again.")


class OtherDecimals(Conflict):
    """The currency or the amount that the ticket has does not go with the other, which is new."""

    code = "other-decimals"
    template = N_("%(amount)s %(currency)s has more decimals than the currency. Change both.")


class AlreadySuspended(Conflict):
    code = "already-suspended"
    template = N_("%(username)s is already suspended.")


class NotSuspended(Conflict):
    code = "not-suspended"
    template = N_("%(username)s is not suspended.")


class AlreadyErased(Conflict):
    code = "already-erased"
    template = N_("%(username)s was erased. There is no way back.")


class RoleUnchanged(Conflict):
    code = "role-unchanged"
    template = N_("%(username)s already has this role.")


class LastEmployer(Conflict):
    code = "last-employer"
    template = N_("%(username)s is the last active employer. Make somebody else an employer first.")


class NotAnEmployer(Conflict):
    code = "not-an-employer"
    template = N_("%(username)s is an employee. Suspend them in the console instead.")


class NotUndone(Conflict):
    code = "not-undone"
    template = N_(
        "The suspension of %(username)s was not undone: another employer has acted since, or it "
        "was made too long ago. Reactivate them instead."
    )


class InPaymentRun(Conflict):
    code = "in-payment-run"
    template = N_("Ticket %(id)s is in payment run %(run)s, so it cannot be reopened.")


class NothingDue(Conflict):
    code = "nothing-due"
    template = N_("Nothing is due in %(currency)s, or other payment runs have it already.")


class PartlyPaid(Conflict):
    code = "partly-paid"
    template = N_(
        "Some of payment run %(run)s is paid, so it cannot be cancelled. Take out what is not paid."
    )


class PayoutUnreadable(Conflict):
    code = "payout-unreadable"
    template = N_(
        "The payout details of %(names)s cannot be decrypted: SECRET_KEY has changed, or they were "
        "tampered with. Set SECRET_KEY_PREVIOUS to the earlier key, or have them entered again."
    )


class NobodyToPay(Conflict):
    code = "nobody-to-pay"
    template = N_(
        "This file would pay nobody in payment run %(run)s: they have no payout details, get cash, "
        "or are already paid."
    )


class NoCompanyAccount(Conflict):
    code = "no-company-account"
    template = N_(
        "A SEPA file names the account that pays. Set COMPANY_IBAN in the server's settings."
    )


class RunChanged(Conflict):
    """The run is in another state than the step needs; the message says in which."""

    code = "payment-run-changed"

    _SENTENCES = {
        "draft": N_("Payment run %(run)s is still a draft."),
        "confirmed": N_("Payment run %(run)s is confirmed."),
        "paid": N_("Payment run %(run)s is paid."),
        "cancelled": N_("Payment run %(run)s was cancelled."),
        "voided": N_("Payment run %(run)s was voided."),
    }

    def __init__(self, status: str, run: str) -> None:
        super().__init__(self._SENTENCES[status], run=run)


class IdempotencyKeyReused(InvalidInput):
    code = "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__(
            {
                "Idempotency-Key": N_(
                    "This key was already used for a different ticket; use a new one."
                )
            }
        )


class TooManyAttempts(ExpensesError):
    """`details` holds `retry_after`, in seconds."""

    code = "too-many-attempts"
    template = N_("Too many attempts. Try again in %(minutes)s min.")

    def __init__(self, retry_after: int) -> None:
        super().__init__(minutes=max(1, -(-retry_after // 60)))
        self.details["retry_after"] = max(1, retry_after)


class TooBusy(ExpensesError):
    """Something else holds a lock, or the database took too long; trying again helps."""

    code = "busy"
    template = N_("The system is busy right now. Nothing was changed; please try again.")


class StorageUnavailable(ExpensesError):
    code = "storage-unavailable"
    template = N_("Receipts cannot be read or saved right now. Please try again in a moment.")


class DatabaseUnavailable(ExpensesError):
    code = "database-unavailable"
    template = N_("The database is not responding right now. Please try again in a moment.")


def connection_problem(error: OSError) -> str:
    """Say why a connection to another server could not be made, and what to check."""
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"its certificate is not trusted ({error.verify_message}). Give it one for this "
                "name from a trusted authority, or set SSL_CERT_FILE to the authority's file."
            )
        case ssl.SSLError():
            return "it does not speak TLS. Check that the port is the one for TLS."
        case socket.gaierror():
            return "its host name cannot be resolved. Check the spelling, and this machine's DNS."
        case TimeoutError():
            return "it does not answer. Check the address, and whether a firewall is in the way."
        # A name with several addresses gives one error for all of them.
        case _ if isinstance(error, FileNotFoundError) or "Connect call failed" in str(error):
            return "nothing is listening there. Start it, or correct the address."
    return f"{error.strerror or error}."
