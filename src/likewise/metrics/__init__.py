"""Retrieval metrics: ``torchmetrics.Metric`` classes over exact rankings."""
