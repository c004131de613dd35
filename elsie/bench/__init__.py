"""Benchmarks: what the engine reaches, beside the alternatives."""
