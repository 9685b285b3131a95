"""E-mails that tell users of changes to how they log in, even those who turned e-mails off."""

from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.notifications.outbox import Channel, Subject, announce


async def warn(
    connection: AsyncConnection, action: str, user_id: int, event_id: int, **facts: str
) -> None:
    """Mail an event to the user. What the mail says of it is in `security_mails.py`."""
    await announce(
        connection,
        action,
        [Subject(user_id, event_id, facts=facts)],
        actor_id=None,
        by=[Channel.MAIL],
    )
