"""The files of a configuration: read, validated against the schema, and the problems found in them."""
