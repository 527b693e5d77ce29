"""Recommenders that fit a linear model or factors."""
