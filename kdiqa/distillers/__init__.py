"""Trained glue between a student's prediction and its teacher's."""
