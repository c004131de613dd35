"""The order in which everything runs."""
