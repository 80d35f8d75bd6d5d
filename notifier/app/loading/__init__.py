"""The configuration: loaded for the daemon in a process of its own, and for commands."""
