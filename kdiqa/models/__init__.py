"""Networks that two systems share."""
