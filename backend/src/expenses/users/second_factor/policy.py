"""Who has to have a second factor."""

from expenses.settings import Settings
from expenses.users.models import Role


def must_have_second_factor(role: Role, settings: Settings) -> bool:
    if settings.second_factor == "employers":
        return role is Role.EMPLOYER
    return settings.second_factor == "everybody"
