"""Compression without labels: what is left of a layer makes up for what is lost."""
