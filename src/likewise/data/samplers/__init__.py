"""In which order, and beside which others, training products are seen."""
