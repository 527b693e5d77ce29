"""Reading a person's own table of products: row by row, mended, and never all in memory."""
