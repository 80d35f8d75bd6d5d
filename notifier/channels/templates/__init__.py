"""The user's own templates for messages: Jinja2 in a sandbox, with the plain message as the fallback."""
