"""Imports, checked by onnx itself."""
