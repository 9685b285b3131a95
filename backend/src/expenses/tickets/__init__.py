"""Tickets: one purchase each, filed by an employee, decided by an employer."""
