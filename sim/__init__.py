"""Runs the RTL and compares it with the golden model, event by event."""
