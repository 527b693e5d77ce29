"""Encoders map a batch of products to embeddings; each one has a file of its own."""
