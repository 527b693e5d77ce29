"""What becomes of a recommender while events arrive."""
