"""Messages to people and other systems: the outbox and what leaves by it."""
