"""Tests of elsie.compress.structure."""
