"""The user's YAML, checked as a whole and frozen."""
