"""Real boards: pins, clock, top level, bitstreams and reports."""
