"""One file an encoder: a batch of products to embeddings."""
