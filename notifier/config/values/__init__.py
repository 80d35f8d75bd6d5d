"""Rules for single values, each as a user writes it."""
