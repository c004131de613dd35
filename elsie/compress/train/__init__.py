"""Training in numpy: gradients for every kind of layer, and the trainer."""
