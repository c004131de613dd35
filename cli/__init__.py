"""The `elsie` command."""
