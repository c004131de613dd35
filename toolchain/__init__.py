"""The command line tools that Elsie runs: where they are, which version, how they fail."""
