"""Kinds of layers: how each becomes integers."""
