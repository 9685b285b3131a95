"""What a person reads: languages, money, dates."""
