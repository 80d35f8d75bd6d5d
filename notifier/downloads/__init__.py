"""Results into files: fetched part by part, whole or not at all; for a command, or for every ready watch that asks."""
