"""Operators on maps: convolution, pooling, and what joins them."""
