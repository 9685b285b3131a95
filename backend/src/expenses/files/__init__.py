"""Files that people upload: what kind they are, and reading them without risk."""
