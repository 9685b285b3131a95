"""Of what is paid, and where to."""
