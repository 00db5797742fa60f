"""Features and teacher predictions on disk."""
