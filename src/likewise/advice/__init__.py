"""What to start from on given data, grounded in the committed results of this project."""
