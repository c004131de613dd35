"""A board that is a program: its whole design, compiled, at the ends of a serial line."""
