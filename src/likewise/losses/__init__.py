"""Losses that pytorch-metric-learning does not have."""
