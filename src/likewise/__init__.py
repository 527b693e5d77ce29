"""Likewise: a research framework for product similarity in e-commerce."""

__version__ = "0.1.0"
