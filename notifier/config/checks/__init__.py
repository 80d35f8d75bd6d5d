"""Rules between values: of a channel, between watches, and what only deserves a warning."""
