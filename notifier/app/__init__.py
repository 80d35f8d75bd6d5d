"""The daemon: its components, its jobs, and how it starts, reloads and stops."""
