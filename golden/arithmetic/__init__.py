"""What an engine computes, in integers."""
