"""LightningModules: the training steps."""
