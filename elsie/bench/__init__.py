"""Benchmarks: what the engine reaches, measured, beside what a user would pick instead."""
