"""Words that templates translate by a computed name, listed here for the catalogs."""

from expenses.i18n.text import N_

STATUSES = (N_("Pending"), N_("Approved"), N_("Denied"), N_("Withdrawn"))
CATEGORIES = (
    N_("Travel"),
    N_("Lodging"),
    N_("Meals"),
    N_("Equipment"),
    N_("Software"),
    N_("Training"),
    N_("Other"),
)
ACCESS = (N_("Active"), N_("Suspended"))
ROLES = (N_("employee"), N_("employer"))
EVENTS = (N_("Edited"), N_("Withdrawn"), N_("Approved"), N_("Denied"), N_("Reopened"))
FIELDS = (
    N_("Amount"),
    N_("Currency"),
    N_("Category"),
    N_("Description"),
    N_("Merchant"),
    N_("Links"),
)
# What the framework refuses by itself.
REFUSALS = (
    N_("Method Not Allowed."),
    N_("Send at most 1 MB."),
    N_("Send at most 16 MB."),
)
