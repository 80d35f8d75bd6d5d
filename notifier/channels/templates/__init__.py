"""Messages in the user's own words: Jinja2 in a sandbox, with the plain message behind it."""
