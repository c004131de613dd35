"""Real weights and activations to integers."""
