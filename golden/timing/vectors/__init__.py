"""Layers of vectors, cycle by cycle: lists, and programs of operations (docs/timing.md)."""
