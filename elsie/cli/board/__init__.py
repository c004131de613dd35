"""Commands that make and load what is on a board."""
