"""Similarity measures, exact nearest neighbours, and similarity matrices."""
