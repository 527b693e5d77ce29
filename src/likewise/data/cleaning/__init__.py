"""Cleaning steps of a catalogue, one per file; the config group ``cleaning`` composes them."""
