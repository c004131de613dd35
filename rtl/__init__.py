"""The engine in Amaranth; golden gives it its configuration and field layouts, no arithmetic."""
