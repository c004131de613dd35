"""Tests of the tools from outside."""
