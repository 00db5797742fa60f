"""GAN-IQA-KD."""
