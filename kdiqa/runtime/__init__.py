"""Processes and machines: launching, ranks, signals, devices, errors."""
