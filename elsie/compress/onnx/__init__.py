"""ONNX files to models."""
