"""Tickets in spreadsheet files: reading the file, its columns and its cells."""
