"""Recommenders: what somebody did to a score for every product."""
