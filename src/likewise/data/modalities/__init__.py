"""Readers turn columns of a catalogue into tensors; each one has a file of its own."""
