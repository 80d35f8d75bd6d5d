"""Channels with an Apprise URL."""
