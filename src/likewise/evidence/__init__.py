"""Statistics of finished runs: intervals, tests, contrasts and the verdict."""
