"""Data sources, one per file; each class has a ``load()`` that returns ``ProductData``."""
