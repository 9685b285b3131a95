"""What every request has to pass: cookies, headers, limits, origin."""
