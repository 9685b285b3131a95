"""The portal: the employees' pages, which work with or without scripts."""

from fastapi import FastAPI

from expenses.portal import (
    account,
    appearance,
    confirmations,
    email_change,
    export,
    filing,
    forgotten,
    imports,
    invitations,
    language,
    login,
    mails,
    own_data,
    passkeys,
    payments,
    payout,
    receipts,
    registration,
    second_step,
    single_sign_on,
    ticket,
    tickets,
    tokens,
)


def mount(app: FastAPI) -> None:
    app.state.issuer = single_sign_on.issuer_in(app.state.settings)
    # "/tickets/{ticket_id}" comes last, after the words that may stand there, too.
    for part in (
        tickets,
        filing,
        receipts,
        imports,
        export,
        payments,
        login,
        registration,
        second_step,
        single_sign_on,
        forgotten,
        invitations,
        confirmations,
        account,
        email_change,
        own_data,
        passkeys,
        payout,
        tokens,
        mails,
        appearance,
        language,
        ticket,
    ):
        app.include_router(part.router, include_in_schema=False)
