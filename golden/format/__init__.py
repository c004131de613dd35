"""What a network is, and how an engine's memories hold it."""
