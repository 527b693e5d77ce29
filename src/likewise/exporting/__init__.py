"""The encoder of a finished run in formats that other programs read."""
