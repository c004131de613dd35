"""Memories and the multiplier: the only units that know how they map to a device."""
