"""A finished run on other data."""
