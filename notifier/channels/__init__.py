"""Channels: each sends a message and returns an outcome, never raises."""
