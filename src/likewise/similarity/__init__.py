"""Measures between embeddings, exact blocked neighbours, and similarity matrices."""
