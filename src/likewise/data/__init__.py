"""Catalogues with their relevance and splits, and the tensors that are made from them."""
