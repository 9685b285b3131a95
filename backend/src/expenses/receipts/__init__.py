"""Receipts: files that prove a purchase, and the invoices that were read from them."""
