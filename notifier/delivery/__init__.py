"""Delivers events to channels, and notices to the operators."""
