"""The limits that protect the account: the limiter, the breaker, the probe."""
