"""What the company expects of receipts. These are hints; they never block."""

from decimal import Decimal

from expenses.settings import Settings


def lacks_receipt(amount: Decimal, currency: str, receipts: int, settings: Settings) -> bool:
    """Say whether a ticket is above the company's limit and has no receipt."""
    limit = settings.receipt_above.get(currency)
    return limit is not None and amount > limit and not receipts
