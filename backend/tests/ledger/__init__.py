"""Faults that really happen, while people file and decide: what was acknowledged stays, once.

`python -m tests.ledger --seconds 600` is the long form, `test_ledger` the short one.
"""
