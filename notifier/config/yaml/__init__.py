"""YAML 1.2 to a tree that knows the place of every key and value."""
