"""Bright Data's API: the client, the limiter that protects the account, and a simulated API to try it all against."""
