"""Accuracy against size, for the ways to compress a network without labels."""
