"""SQLAdmin as its documentation sets it up. DATABASE_URL names the database."""

import os

from fastapi import FastAPI
from sqladmin import Admin, ModelView
from sqladmin.filters import StaticValuesFilter
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.others.models import Ticket
from expenses.database.address import asyncpg_url

app = FastAPI()
admin = Admin(app, create_async_engine(asyncpg_url(os.environ["DATABASE_URL"])))


class TicketAdmin(ModelView, model=Ticket):
    column_list = [
        *(Ticket.id, Ticket.owner, Ticket.spent_on, Ticket.amount, Ticket.currency),
        *(Ticket.category, Ticket.description, Ticket.status, Ticket.created_at),
    ]
    column_searchable_list = [Ticket.description, "owner.username", "owner.email"]
    column_sortable_list = [Ticket.id, Ticket.spent_on, Ticket.amount]
    column_default_sort = ("id", True)
    column_filters = [
        StaticValuesFilter(
            Ticket.status,
            [(status, status) for status in ("pending", "approved", "denied", "withdrawn")],
        )
    ]
    page_size = 50


admin.add_view(TicketAdmin)
