"""Losses that the libraries lack."""
