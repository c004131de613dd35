"""Convolution: what a layer with maps is, and where it lies in an engine (docs/convolution.md)."""
