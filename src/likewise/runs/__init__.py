"""One run: training, its folder, its cost, and a finished one opened again."""
