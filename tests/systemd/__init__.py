"""The service as it is installed."""
