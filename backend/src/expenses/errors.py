"""What can go wrong, in the words of the product. Nothing here knows HTTP."""


class ExpensesError(Exception):
    """A refusal with a sentence a person can act on; `code` is its stable name for programs."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class CannotStart(ExpensesError):
    """The application cannot run here; the message says what to change."""

    code = "cannot-start"
