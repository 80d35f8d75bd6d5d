"""Channels that are Apprise URLs."""
