"""What each ONNX operator does to the data."""
