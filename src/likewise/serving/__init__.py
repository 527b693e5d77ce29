"""A web page and an API to look at one or two finished runs; ``likewise serve`` starts it."""
