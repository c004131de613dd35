"""The end of a layer: operations on sums, and the drain."""
