"""Where activations come in, wait, and go out."""
