"""Losses: pure functions with a thin module each."""
