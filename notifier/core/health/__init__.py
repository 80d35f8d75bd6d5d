"""How the API, the channels, the store and the daemon do. Pure."""
