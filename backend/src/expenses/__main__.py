"""`python -m expenses`, and the command `expenses`."""

from expenses.cli import main

if __name__ == "__main__":
    main()
