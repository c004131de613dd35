"""Commands that say what there is, and take no network."""
