"""What Weights & Biases shows of runs: their names, their panels, and the workspace for them."""
