"""HTTP with Bright Data: the gateway, its transport, tokens, and what any answer means."""
