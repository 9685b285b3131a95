"""Django's admin as its tutorial sets it up."""
