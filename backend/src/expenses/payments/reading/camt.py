"""Reads ISO 20022 camt.053 and camt.054, in any version: what a bank booked out of an account."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from expenses.files.worker import Unreadable, answer
from expenses.payments.reading import NO_STATEMENT
from expenses.receipts.reading.xml import parse, text_at

# The statement of a day, and a notification of single bookings.
_ENTRIES = ("{*}BkToCstmrStmt/{*}Stmt/{*}Ntry", "{*}BkToCstmrDbtCdtNtfctn/{*}Ntfctn/{*}Ntry")
_AMOUNTS = ("AmtDtls/InstdAmt/Amt", "AmtDtls/TxAmt/Amt", "Amt")


def read(content: bytes) -> list[dict[str, str | None]]:
    """Return the id, text, amount, currency and date of each booking. Raises `Unreadable`."""
    root = parse(content)
    if not any(True for path in _ENTRIES for _ in root.iterfind(path.rpartition("/")[0])):
        raise Unreadable(NO_STATEMENT)
    entries = [entry for path in _ENTRIES for entry in root.iterfind(path)]
    return [booking for entry in entries if _is_paid(entry) for booking in _bookings(entry)]


def _is_paid(entry: Element) -> bool:
    """Leave out what came in, what was taken back, and what is only announced."""
    return (
        text_at(entry, "CdtDbtInd") == "DBIT"
        and text_at(entry, "RvslInd") not in {"true", "1"}
        and text_at(entry, "Sts/Cd", "Sts") == "BOOK"
    )


def _bookings(entry: Element) -> Iterator[dict[str, str | None]]:
    date = text_at(entry, "BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm")
    found = entry.findall("{*}NtryDtls/{*}TxDtls")
    # A booking without parts is its own only one.
    for part in found or [entry]:
        amount = _amount(part)
        if amount is None and len(found) == 1:
            amount = _amount(entry)
        texts = [each.text or "" for each in part.iterfind("{*}RmtInf/{*}Ustrd")]
        yield {
            "id": text_at(part, "Refs/EndToEndId"),
            "text": " ".join(texts) or text_at(part, "AddtlNtryInf"),
            "amount": None if amount is None else amount.text,
            "currency": None if amount is None else amount.get("Ccy"),
            "date": date[:10] if date else None,
        }


def _amount(element: Element) -> Element | None:
    for path in _AMOUNTS:
        found = element.find("/".join(f"{{*}}{name}" for name in path.split("/")))
        if found is not None:
            return found
    return None


if __name__ == "__main__":
    answer(read)
