"""Answers the pages, the API and the commands: reads the database into resources (`core.resources`)."""
