"""The overview: what is pending and for how long, what was approved, for what and for whom."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator
from sqladmin import BaseView, expose
from starlette.requests import Request
from starlette.responses import Response

from expenses.console import overview_lines as lines
from expenses.console.authentication import user_of
from expenses.i18n.formats import Formats
from expenses.i18n.languages import current_language
from expenses.i18n.money import Currency
from expenses.payments.totals import due_by_employee, paid_by_month
from expenses.tickets import overview
from expenses.web.dependencies import database_for_reports, settings_of
from expenses.web.pages.rendering import render
from expenses.web.validation import parse

# As many sums that are owed are listed.
MAX_OWED = 50


class Listing(BaseModel):
    """What the address of the page may say."""

    currency: Annotated[Currency | None, BeforeValidator(lambda value: value or None)] = None


class OverviewView(BaseView):
    name = "Overview"

    @expose("/overview", methods=["GET"])
    async def overview(self, request: Request) -> Response:
        actor, settings = user_of(request), settings_of(request)
        currency = parse(Listing, request.query_params).currency or settings.currency
        today = settings.today()
        year = lines.Year(overview.last_months(today), currency)
        spans = overview.months_so_far(today)
        database = await database_for_reports(request)
        async with database.reading() as connection:
            pending = await overview.pending(connection, actor=actor, today=today)
            alike = await overview.pending_alike(connection, actor=actor)
            spending = await overview.spending(
                connection, actor=actor, months=year.months, currency=currency
            )
            compared = await overview.spending_in(
                connection, actor=actor, spans=spans, currency=currency
            )
            owed = await due_by_employee(connection, actor=actor, limit=MAX_OWED + 1)
            paid = await paid_by_month(
                connection, actor=actor, since=year.days.first, currency=currency
            )
            employees = await overview.top_spending(
                connection, actor=actor, months=year.months, currency=currency
            )
        formats = Formats(settings, current_language())
        comparison = lines.comparison_lines(compared, spans, year)
        currencies = lines.currency_lines(spending.by_currency, year)
        used = {line.label: line.number for line in currencies}
        return render(
            request,
            "console/overview.html",
            today=today,
            waiting=lines.waiting(pending),
            oldest=lines.oldest(pending),
            alike=lines.alike(alike),
            owed=lines.owed(owed[:MAX_OWED]),
            owed_sums=lines.owed_sums(owed) if len(owed) <= MAX_OWED else {},
            most_owed=MAX_OWED,
            paid=lines.paid_lines(paid, year),
            ages=lines.age_lines(pending, today),
            currency=currency,
            tabs={settings.currency: 0} | used | {currency: used.get(currency, 0)},
            first_month=lines.name_of_month(year.months[0]),
            last_month=lines.name_of_month(year.months[-1]),
            total=lines.total(currencies, year),
            comparison=comparison,
            changes=lines.changes(comparison),
            months=lines.month_lines(spending.by_month, year),
            categories=lines.category_lines(spending.by_category, year),
            employees=lines.employee_lines(employees, year, formats),
            currencies=currencies,
        )
