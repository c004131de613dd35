"""Forwards and backwards through each kind of layer, to train its weights."""
