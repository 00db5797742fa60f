"""Networks: they know tensors, and nothing of Lightning, disks or data sets."""
