"""Faults that really happen, while people file and decide: what was acknowledged stays, once.

`python -m tests.ledger --seconds 600` runs it for as long as you like.
"""
