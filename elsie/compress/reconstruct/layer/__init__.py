"""One layer: its problem, masks, weights, and values of an alphabet."""
