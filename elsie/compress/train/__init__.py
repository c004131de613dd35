"""Training in numpy: gradients for every kind of layer, a trainer for fully connected ones."""
