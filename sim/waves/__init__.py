"""Waveforms that a person can read: a dump, and how GTKWave and Surfer show it."""
