"""The processing element."""
