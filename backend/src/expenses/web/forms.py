"""What a page's form has sent."""

from starlette.requests import Request

MOST_FIELDS = 50


class FormValues(dict[str, str]):
    """What stands in a form's inputs; an input that was not sent is empty."""

    def __missing__(self, name: str) -> str:
        return ""


async def read_form(request: Request) -> FormValues:
    """The fields of a form by name, the last one where a name comes twice. Files are left out."""
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
        return FormValues((name, value) for name, value in form.items() if isinstance(value, str))
