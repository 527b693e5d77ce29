"""Recommenders that count what people did."""
