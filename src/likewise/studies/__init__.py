"""Runs and the sets of runs that answer a question."""
