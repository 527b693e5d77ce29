"""Rules that choose from which score on a pair is a match."""
