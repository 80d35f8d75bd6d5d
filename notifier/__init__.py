"""Watches Bright Data snapshots and tells people, once, what became of them."""

__version__ = "0.1.0"
