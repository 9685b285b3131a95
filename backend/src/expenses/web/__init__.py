"""What the three doors share: sessions, the same-origin check, errors to responses, templates."""
