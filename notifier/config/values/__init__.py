"""Validation of single values, in the form that users write."""
