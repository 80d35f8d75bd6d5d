"""Channels with a signed webhook."""
