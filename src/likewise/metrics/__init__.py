"""Metrics of retrieval, matching and graded rankings."""
