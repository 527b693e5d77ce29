"""Recommenders that read a sequence and are trained by gradient steps."""
