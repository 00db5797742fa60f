"""A page to try a student with."""
