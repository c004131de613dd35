"""How a NET file stores the arrays of a layer in few bytes (docs/format.md)."""
