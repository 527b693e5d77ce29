"""Matchers give a pair of products a score; each one has a file of its own."""
