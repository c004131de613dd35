"""Smaller layers, before single weights are pruned: fewer neurons, and low-rank factors."""
