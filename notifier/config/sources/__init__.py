"""Where a configuration comes from: files, includes, the environment, secrets, and when they change."""
