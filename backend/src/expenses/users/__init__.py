"""Everyone who logs in: registering, sessions, suspension."""
