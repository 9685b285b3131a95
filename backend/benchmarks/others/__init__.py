"""What people use instead, over the same tables and with the defaults of its documentation."""
