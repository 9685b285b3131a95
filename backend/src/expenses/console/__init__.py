"""The employers' door: SQLAdmin, with its writes replaced by the core's actions."""

from fastapi import FastAPI

from expenses.console.admin import Console
from expenses.console.authentication import EmployersOnly
from expenses.console.bulk import BulkView
from expenses.console.employees import EmployeeView
from expenses.console.employers import EmployerView
from expenses.console.erasing import ErasingView
from expenses.console.export import ExportView
from expenses.console.history import HistoryView
from expenses.console.invitations import InvitationView
from expenses.console.locked_out import LockedOutView
from expenses.console.overview import OverviewView
from expenses.console.paying import PayingView
from expenses.console.payment_answers import PaymentAnswerView
from expenses.console.payment_files import PaymentFileView
from expenses.console.payments import PaymentView
from expenses.console.saved_filters import SavedFilterView
from expenses.console.tickets import TicketView
from expenses.database.engine import Database


def mount(app: FastAPI, database: Database) -> None:
    """Put the console under /admin."""
    console = Console(app, database, EmployersOnly())
    console.add_view(BulkView)
    console.add_view(PayingView)
    console.add_view(ErasingView)
    console.add_view(LockedOutView)
    console.add_view(ExportView)
    console.add_view(PaymentAnswerView)
    console.add_view(PaymentFileView)
    console.add_view(SavedFilterView)
    console.add_view(InvitationView)
    console.add_view(TicketView)
    console.add_view(EmployeeView)
    console.add_view(EmployerView)
    console.add_view(OverviewView)
    console.add_view(PaymentView)
    console.add_view(HistoryView)
