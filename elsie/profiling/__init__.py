"""What happened where: a compressed network beside the float one, layer by layer."""
