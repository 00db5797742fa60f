"""Synthetic distortions: the 25 types of KADID-10k, and the re-distortion presets."""
