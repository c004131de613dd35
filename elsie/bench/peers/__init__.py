"""The alternatives, on the same layers: `elsie bench peers` (docs/performance.md)."""
