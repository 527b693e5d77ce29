"""Cleaning of a catalogue: one file a step, composed by the config group ``cleaning``."""
