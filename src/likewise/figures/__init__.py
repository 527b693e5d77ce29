"""Figures that tasks, runs and reports show."""
