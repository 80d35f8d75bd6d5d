"""Channels that are signed webhooks."""
