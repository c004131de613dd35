"""Where activations arrive, wait, and leave."""
