"""Callbacks that every run has."""
