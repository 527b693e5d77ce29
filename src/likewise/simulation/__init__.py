"""A simulated shop: shoppers who see lists of products and click."""
