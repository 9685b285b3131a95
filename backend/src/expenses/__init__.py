"""Contoso Expenses: tickets filed by employees, decided by employers."""
