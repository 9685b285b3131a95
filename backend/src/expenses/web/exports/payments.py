"""The file by which a bank pays a run: an order for SEPA, else CSV."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from starlette.responses import Response

from expenses.errors import NoCompanyAccount
from expenses.i18n.money import with_decimals
from expenses.payments.credit_transfer import Account, Transfer, credit_transfer
from expenses.payments.files import FileKind, Payee, RunFile
from expenses.settings import Settings
from expenses.web.exports import csv_file
from expenses.web.exports.csv_file import BYTE_ORDER_MARK, csv_lines

XML = "application/xml"


class BankFile(NamedTuple):
    name: str
    media_type: str
    content: bytes


def bank_file(file: RunFile, settings: Settings) -> BankFile:
    if file.kind is FileKind.SEPA:
        return BankFile(f"payment-{file.run.number}.xml", XML, _order(file, settings))
    return BankFile(f"payment-{file.run.number}.csv", csv_file.MEDIA_TYPE, _table(file, settings))


def download(file: BankFile) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{file.name}"',
        "Content-Type": file.media_type,
        "Cache-Control": "no-store",
    }
    return Response(file.content, headers=headers)


def _order(file: RunFile, settings: Settings) -> bytes:
    if settings.company_iban is None:
        raise NoCompanyAccount()
    now = datetime.now(settings.timezone)
    return credit_transfer(
        file.id,
        Account(settings.company, settings.company_iban, settings.company_bic),
        [_transfer(payee) for payee in file.payees],
        made_at=now,
        pay_on=now.date(),
    )


def _transfer(payee: Payee) -> Transfer:
    details = payee.details
    account = Account(details.holder, details.iban or "", details.bic)
    return Transfer(payee.id, account, payee.amount, payee.text)


def _table(file: RunFile, settings: Settings) -> bytes:
    columns = settings.payment_csv_columns
    rows = [_cells(payee, file.run.number, file.run.currency) for payee in file.payees]
    lines = csv_lines([row[column] for column in columns] for row in rows)
    return BYTE_ORDER_MARK + csv_lines([columns]) + lines


def _cells(payee: Payee, number: str, currency: str) -> Mapping[str, object]:
    details = payee.details
    return {
        "name": details.holder,
        "account": details.iban or details.account,
        "iban": details.iban,
        "bic": details.bic,
        "bank": details.bank or details.bic,
        "amount": with_decimals(payee.amount, currency),
        "currency": currency,
        "reference": payee.text,
        "email": payee.share.email,
        "run": number,
    }
