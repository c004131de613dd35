"""Training of fully connected networks in numpy."""
