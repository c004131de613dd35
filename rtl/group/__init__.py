"""A group of PEs and the memories that they share."""
