"""AKD-IQA and CVRKD-IQA."""
