"""Indexes: nearest products of a query, while products are added, changed and deleted."""
