"""From a trained model to a compressed network."""
