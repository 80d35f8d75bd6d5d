"""Polls snapshots and datasets: when, how, and what comes of it."""
