"""Reading of user tables row by row, with repairs, without holding all rows in memory."""
