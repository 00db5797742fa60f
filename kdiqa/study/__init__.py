"""A study: many runs as one command that can be cut short at any point, and their table."""
