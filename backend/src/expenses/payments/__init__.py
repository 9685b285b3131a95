"""Payments: what is due to employees, and the runs in which it is paid."""
