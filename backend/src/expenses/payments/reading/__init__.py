"""What runs in a process of its own and reads what a bank sends."""

# The word for what is wrong with a file that is no statement.
NO_STATEMENT = "no statement"
