"""Engines with maps, cycle by cycle: rows, tokens, and drains that steal (docs/timing.md)."""
