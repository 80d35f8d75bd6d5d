"""Turns what the use cases return into log lines, figures and counts: the one place that does."""
