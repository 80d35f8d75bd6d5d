"""The control socket: what commands ask of the daemon."""
