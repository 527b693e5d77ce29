"""Versions of the catalogue of a finished run: written whole, chained by parents, rolled back."""
