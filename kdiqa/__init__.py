"""No-reference image quality assessment, learnt by distillation from a full-reference teacher."""

__version__ = "0.1.0"
