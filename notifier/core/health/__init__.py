"""Health of the API, the channels, the store and the daemon. Pure."""
