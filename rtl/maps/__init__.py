"""What engines with convolutions have (docs/convolution.md)."""
