"""SSKD."""
