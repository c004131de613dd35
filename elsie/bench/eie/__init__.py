"""EIE's nine layers, or one of the user's, on Elsie and under EIE's own scheme, on equal data."""
