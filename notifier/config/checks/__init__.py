"""Checks across several values: of a channel, between watches, of paths, and for likely mistakes."""
