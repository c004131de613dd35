"""In which cycle everything happens."""
