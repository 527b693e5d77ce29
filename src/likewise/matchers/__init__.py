"""One file per matcher: a pair of products to a score."""
