"""Where a configuration comes from: files and their patterns, the environment, the token, and when they change."""
