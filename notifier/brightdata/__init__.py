"""Bright Data's API: its client, the limits that protect the account, and a simulation of it."""
