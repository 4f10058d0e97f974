"""Quantisation-aware training with QKeras; modules are imported on first use."""
