"""Callbacks: they know the trainer, and meet modules and teachers as objects."""
