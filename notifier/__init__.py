"""Watches Bright Data snapshots and notifies people, once, when they end."""

__version__ = "0.1.0"
