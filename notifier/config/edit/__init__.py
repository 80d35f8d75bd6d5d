"""Writes files for users: watch files, a first configuration, the JSON Schema."""
