"""What ends a layer: operations on sums, and the drain."""
