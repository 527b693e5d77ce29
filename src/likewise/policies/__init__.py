"""Policies: contexts to probabilities of products."""
