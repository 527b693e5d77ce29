"""Recommenders that compare what products are."""
