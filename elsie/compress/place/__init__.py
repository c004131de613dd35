"""Which PE owns which row."""
