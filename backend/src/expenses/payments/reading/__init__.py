"""What runs in a process of its own and reads what a bank sends."""
