"""Verbs of the command line, one per file; heavy imports happen only when a verb runs."""
