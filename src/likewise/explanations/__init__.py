"""Why two products get their score: contributions of words, regions, signals or training pairs."""
