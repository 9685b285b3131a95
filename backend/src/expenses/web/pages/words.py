"""Words that templates translate by a computed name, listed here for the catalogs."""

from expenses.i18n.text import N_

STATUSES = (N_("Pending"), N_("Approved"), N_("Denied"), N_("Withdrawn"))
PAYMENTS = (N_("Due"), N_("Paid"))
CATEGORIES = (
    N_("Travel"),
    N_("Lodging"),
    N_("Meals"),
    N_("Equipment"),
    N_("Software"),
    N_("Training"),
    N_("Other"),
)
RUNS = (N_("Draft"), N_("Confirmed"), N_("Paid"), N_("Cancelled"), N_("Voided"))
ACCESS = (N_("Active"), N_("Suspended"), N_("Erased"))
ROLES = (N_("employee"), N_("employer"))
EVENTS = (
    N_("Edited"),
    N_("Withdrawn"),
    N_("Approved"),
    N_("Denied"),
    N_("Reopened"),
    N_("Receipt added"),
    N_("Receipt removed"),
    N_("Added to payment run"),
    N_("Taken out of payment run"),
    N_("Payment confirmed"),
    N_("Paid"),
    N_("Payment cancelled"),
    N_("Payment voided"),
)
FIELDS = (
    N_("Amount"),
    N_("Currency"),
    N_("Category"),
    N_("Description"),
    N_("Merchant"),
    N_("Links"),
)
# What people call the inputs of forms and the parameters of addresses, by their names there.
INPUTS = {
    "q": N_("Search"),
    "status": N_("Status"),
    "employee": N_("Employee"),
    "category": N_("Category"),
    "merchant": N_("Merchant"),
    "currency": N_("Currency"),
    "amount": N_("Amount"),
    "description": N_("Description"),
    "spent_on": N_("Date"),
    "links": N_("Links"),
    "from": N_("Date from"),
    "to": N_("Date to"),
    "min": N_("Amount from"),
    "max": N_("Amount to"),
    "sort": N_("Sort order"),
    "cursor": N_("Page"),
    "actor": N_("Done by"),
    "action": N_("Action"),
    "user": N_("User"),
    "ticket": N_("Ticket"),
    "copy": N_("Ticket"),
    "verdict": N_("Decision"),
    "reason": N_("Reason"),
    "seen": N_("Time"),
    "until": N_("Time"),
    "decided_since": N_("Time"),
    "mails": N_("E-mails"),
    "language": N_("Language"),
    "theme": N_("Appearance"),
    "body": N_("Form"),
}
# What the framework refuses by itself.
REFUSALS = (
    N_("Method Not Allowed."),
    N_("Send at most 1 MB."),
    N_("Send at most 11 MB."),
    N_("Send at most 16 MB."),
    N_("Send at most 106 MB."),
)
