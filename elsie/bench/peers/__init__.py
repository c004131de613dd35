"""What a user would pick instead, on the same layers: `elsie bench peers` (docs/peers.md)."""
