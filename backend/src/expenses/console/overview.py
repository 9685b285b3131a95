"""The console's first page: what is pending and how old, what was spent, on what and by whom."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from markupsafe import Markup
from pydantic import BaseModel, BeforeValidator
from sqladmin import BaseView, expose
from starlette.requests import Request
from starlette.responses import Response

from expenses.console import charts, figures
from expenses.console.authentication import user_of
from expenses.console.charts import Bar
from expenses.console.figures import Line, Year
from expenses.i18n.formats import Formats
from expenses.i18n.money import Currency
from expenses.tickets import overview
from expenses.web.dependencies import database_of, settings_of
from expenses.web.pages.rendering import page_context
from expenses.web.validation import parse


class Listing(BaseModel):
    """What the address of the page may say."""

    currency: Annotated[Currency | None, BeforeValidator(lambda value: value or None)] = None


class OverviewView(BaseView):
    name = "Overview"

    @expose("/overview", methods=["GET"])
    async def overview(self, request: Request) -> Response:
        actor, settings = user_of(request), settings_of(request)
        chosen = parse(Listing, request.query_params).currency or settings.currency
        today = settings.today()
        year = Year(overview.last_months(today), chosen)
        async with database_of(request).reading() as connection:
            pending = await overview.pending(connection, actor=actor, today=today)
            spending = await overview.spending(connection, actor=actor, months=year.months)
            employees = await overview.top_spending(
                connection, actor=actor, months=year.months, currency=chosen
            )
        currencies = figures.currency_lines(spending, year)
        used = {line.label: line.number for line in currencies}
        context = {
            "today": today,
            "waiting": figures.waiting(pending),
            "oldest": figures.oldest(pending),
            "ages": figures.age_lines(pending, today),
            "currency": chosen,
            "tabs": {settings.currency: 0} | used | {chosen: used.get(chosen, 0)},
            "first_month": figures.name_of_month(year.months[0]),
            "last_month": figures.name_of_month(year.months[-1]),
            "total": figures.total(spending, year),
            "months": figures.month_lines(spending, year),
            "categories": figures.category_lines(spending, year),
            "employees": figures.employee_lines(employees, year),
            "currencies": currencies,
        }
        page = page_context(request)
        draw = {
            "draw_columns": partial(_columns, formats=page["formats"]),
            "draw_amounts": partial(_rows, formats=page["formats"]),
            "draw_numbers": partial(_rows, formats=page["formats"], by_number=True),
        }
        return await self.templates.TemplateResponse(
            request, "console/overview.html", page | context | draw
        )


def _columns(lines: Sequence[Line], formats: Formats) -> Markup:
    return charts.columns(
        [_bar(line, formats) for line in lines], lambda value: formats.number(round(value))
    )


def _rows(lines: Sequence[Line], formats: Formats, *, by_number: bool = False) -> Markup:
    return charts.rows([_bar(line, formats, by_number=by_number) for line in lines])


def _bar(line: Line, formats: Formats, *, by_number: bool = False) -> Bar:
    """As long as the tickets are many, or as their one currency's amount."""
    sums = [formats.money(figure.amount, code) for code, figure in line.figures.items()]
    number = formats.tickets(line.number)
    return Bar(
        label=line.short or line.label,
        value=line.number if by_number else next(iter(line.figures.values())).amount,
        text=number if by_number else sums[0],
        hint=": ".join([line.label, ", ".join([number, *sums])]),
        address=line.address() if line.number else None,
    )
