"""Configurations: composed, instantiated, and read back from checkpoints."""
