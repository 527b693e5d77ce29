"""Recommenders that combine others, or people."""
