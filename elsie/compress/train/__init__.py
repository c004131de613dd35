"""Training in numpy: gradients of every kind of layer, and a trainer of fully connected networks."""
