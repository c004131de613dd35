"""Trained models in float."""
