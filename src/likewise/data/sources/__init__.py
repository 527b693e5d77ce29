"""One file a data set; each class here has a ``load()`` that returns ``ProductData``."""
