"""What finished runs prove: statistics, contrasts and the verdict."""
