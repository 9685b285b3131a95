"""Questions for passkeys, which a script fetches and answers with the form that wanted it."""

from fastapi import Request, Response

from expenses.users.second_factor.passkeys import Question
from expenses.users.second_factor.relying_party import RelyingParty, relying_party
from expenses.web.dependencies import settings_of


def site_of(request: Request) -> RelyingParty:
    return relying_party(settings_of(request))


def ask(request: Request, question: Question) -> Response:
    """Send a question, and keep its challenge in the browser's session."""
    request.session["challenge"] = question.challenge
    return Response(question.options, media_type="application/json")


def take_challenge_of(request: Request) -> str:
    """Return the challenge of the question that was asked last; empty where none was."""
    return str(request.session.pop("challenge", ""))
