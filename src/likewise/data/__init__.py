"""The catalogue, its relevance and splits, and the tensors made of them."""
