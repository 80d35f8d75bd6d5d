"""Limits that protect the account: the limiter with its pace and breaker, the API's health, the probe."""
