"""Data sets as their authors ship them, and what becomes of their images."""
