"""EIE's nine layers, or one of the user's: Elsie and EIE's own scheme on equal data."""
