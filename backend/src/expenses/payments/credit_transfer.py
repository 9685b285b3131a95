"""A bank's order to pay: ISO 20022 pain.001.001.09, as SEPA uses it."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from expenses.payments.sepa_text import MAX_NAME, MAX_TEXT, sepa_text

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"


class Account(NamedTuple):
    holder: str
    iban: str
    bic: str | None


class Transfer(NamedTuple):
    """What one account gets; `id` comes back in the bank's statement."""

    id: str
    payee: Account
    amount: Decimal
    text: str


def credit_transfer(
    id: str,  # noqa: A002, as the bank calls it
    payer: Account,
    transfers: Sequence[Transfer],
    *,
    made_at: datetime,
    pay_on: date,
) -> bytes:
    """Write an order in EUR. A bank takes no second one with the same id."""
    document = Element("Document", xmlns=NAMESPACE)
    order = SubElement(document, "CstmrCdtTrfInitn")
    header = SubElement(order, "GrpHdr")
    _add(header, "MsgId", id)
    _add(header, "CreDtTm", made_at.replace(microsecond=0).isoformat())
    _add_sums(header, transfers)
    _add(header, "InitgPty/Nm", sepa_text(payer.holder, MAX_NAME))
    payment = SubElement(order, "PmtInf")
    _add(payment, "PmtInfId", id)
    _add(payment, "PmtMtd", "TRF")
    # So that the statement has a line for each transfer, by which it is found again.
    _add(payment, "BtchBookg", "false")
    _add_sums(payment, transfers)
    _add(payment, "PmtTpInf/SvcLvl/Cd", "SEPA")
    _add(payment, "ReqdExctnDt/Dt", pay_on.isoformat())
    _add(payment, "Dbtr/Nm", sepa_text(payer.holder, MAX_NAME))
    _add(payment, "DbtrAcct/Id/IBAN", payer.iban)
    if payer.bic:
        _add(payment, "DbtrAgt/FinInstnId/BICFI", payer.bic)
    else:
        _add(payment, "DbtrAgt/FinInstnId/Othr/Id", "NOTPROVIDED")
    _add(payment, "ChrgBr", "SLEV")
    for transfer in transfers:
        _add_transfer(payment, transfer)
    content: bytes = ElementTree.tostring(document, encoding="UTF-8", xml_declaration=True)
    return content


def _add_transfer(payment: Element, transfer: Transfer) -> None:
    element = SubElement(payment, "CdtTrfTxInf")
    _add(element, "PmtId/EndToEndId", transfer.id)
    _add(element, "Amt/InstdAmt", f"{transfer.amount:.2f}").set("Ccy", "EUR")
    if transfer.payee.bic:
        _add(element, "CdtrAgt/FinInstnId/BICFI", transfer.payee.bic)
    _add(element, "Cdtr/Nm", sepa_text(transfer.payee.holder, MAX_NAME))
    _add(element, "CdtrAcct/Id/IBAN", transfer.payee.iban)
    _add(element, "RmtInf/Ustrd", sepa_text(transfer.text, MAX_TEXT))


def _add_sums(parent: Element, transfers: Sequence[Transfer]) -> None:
    _add(parent, "NbOfTxs", str(len(transfers)))
    total = sum((transfer.amount for transfer in transfers), Decimal())
    _add(parent, "CtrlSum", f"{total:.2f}")


def _add(parent: Element, path: str, text: str) -> Element:
    """Add elements, one inside the other, and the text in the last."""
    for name in path.split("/"):
        parent = SubElement(parent, name)
    parent.text = text
    return parent
