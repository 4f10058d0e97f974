"""Quantisation-aware training with QKeras; nothing here is imported before it is asked for."""
