"""Networks as other packages hold them, without a file in between."""
