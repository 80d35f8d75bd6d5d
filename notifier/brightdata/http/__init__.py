"""Requests to Bright Data: the gateway, its transport, tokens, and the answers as HTTP."""
