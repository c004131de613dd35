"""Finds densities and weights for a goal: a size, a loss of accuracy, or both."""
