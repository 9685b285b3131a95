"""What a user shows besides the password, or instead of it: passkeys and recovery codes."""
