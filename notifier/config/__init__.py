"""The user's YAML: read, validated as a whole, and frozen into a `Config`."""
