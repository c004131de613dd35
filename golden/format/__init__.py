"""What a network is, and how it lies in an engine's memories."""
