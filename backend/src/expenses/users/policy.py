"""Who may do what to whom: `can_*` answers, `ensure_can_*` raises."""

import hmac
from collections.abc import Iterable

from expenses.errors import Forbidden, InvalidInput, PasswordsOff, RegistrationClosed
from expenses.i18n.text import N_
from expenses.settings import Settings
from expenses.users.models import Actor, Role, Scope

_SCOPES = {
    Role.EMPLOYEE: (Scope.READ, Scope.TICKETS_WRITE),
    Role.EMPLOYER: (Scope.READ, Scope.DECIDE, Scope.PAYMENTS),
}


def can_see_employees(actor: Actor) -> bool:
    return actor.role is Role.EMPLOYER


def ensure_can_see_employees(actor: Actor) -> None:
    if not can_see_employees(actor):
        raise Forbidden(N_("Only employers can see the list of employees."))


def can_suspend(actor: Actor) -> bool:
    """Say whether `actor` may suspend and reactivate employees. Employers are never suspended."""
    return actor.role is Role.EMPLOYER


def ensure_can_suspend(actor: Actor) -> None:
    if not can_suspend(actor):
        raise Forbidden(N_("Only employers can suspend and reactivate employees."))


def ensure_takes_passwords(settings: Settings) -> None:
    if settings.oidc_only:
        raise PasswordsOff(name=settings.oidc_name)


def ensure_can_invite(actor: Actor) -> None:
    if actor.role is not Role.EMPLOYER:
        raise Forbidden(N_("Only employers can invite people."))


def ensure_can_change_employers(actor: Actor) -> None:
    if actor.role is not Role.EMPLOYER:
        raise Forbidden(N_("Only employers can change roles, and deactivate other employers."))


def ensure_can_deactivate(actor: Actor, employer: Actor) -> None:
    ensure_can_change_employers(actor)
    if actor.id == employer.id:
        raise Forbidden(N_("You cannot deactivate yourself. Another employer can."))


def scopes_of(actor: Actor) -> tuple[Scope, ...]:
    """List what a token of `actor` may be made for: no more than they may do themselves."""
    return _SCOPES[actor.role]


def ensure_can_grant(scopes: Iterable[Scope], *, actor: Actor) -> None:
    """Raises `InvalidInput` for the field `scopes`."""
    if not set(scopes) <= set(scopes_of(actor)):
        raise InvalidInput({"scopes": N_("Your role does not allow this scope.")})


def ensure_may_register(email: str, *, settings: Settings) -> None:
    """Raises `RegistrationClosed` where it takes an invitation."""
    if settings.registration == "invited":
        raise RegistrationClosed()
    domain = email.rpartition("@")[2].lower()
    if settings.registration == "domains" and domain not in settings.registration_domains:
        raise RegistrationClosed(
            N_(
                "This e-mail is not registered. Without an invitation, only e-mails of these "
                "domains can register: %(domains)s."
            ),
            domains=", ".join(settings.registration_domains),
        )


def ensure_may_change_to(email: str, *, settings: Settings) -> None:
    """Raises `InvalidInput` for the field `email` where it is of none of the company's domains."""
    domain = email.rpartition("@")[2].lower()
    if settings.registration == "domains" and domain not in settings.registration_domains:
        raise InvalidInput({"email": N_("Use an e-mail of your company.")})


def ensure_needs_no_confirmation(settings: Settings) -> None:
    """Raises `RegistrationClosed` where only a page can confirm e-mails."""
    if settings.registration == "domains":
        raise RegistrationClosed(
            N_("Register on the log-in page, where your e-mail is confirmed first.")
        )


def ensure_may_register_as(role: Role, *, employer_code: str | None, settings: Settings) -> None:
    """Raises `InvalidInput` where an employer does not know the company's code."""
    if role is not Role.EMPLOYER or settings.employer_code is None:
        return
    expected = settings.employer_code.get_secret_value().encode()
    if not hmac.compare_digest((employer_code or "").encode(), expected):
        raise InvalidInput(
            {"employer_code": N_("Employers need the company code. Ask your administrator for it.")}
        )
