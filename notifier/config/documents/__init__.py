"""Reads the files of a configuration, validates them against the schema, and collects their problems."""
