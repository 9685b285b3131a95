"""Contoso Expenses: tickets filed by employees, decided by employers."""

from importlib.metadata import version

VERSION = version("contoso-expenses")
