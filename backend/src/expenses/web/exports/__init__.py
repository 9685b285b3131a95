"""Tickets as files for spreadsheets."""
