"""Samplers decide the order of the training products and which of them share a batch."""
