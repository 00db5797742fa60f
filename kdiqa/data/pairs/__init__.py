"""What an image is paired with: a reference, a re-distortion, another image."""
