"""FPGA families, a file each: programs, parts, block RAM and PLL."""
