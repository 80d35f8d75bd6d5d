"""The address at which other machines reach the daemon, as through a reverse proxy."""

from notifier.config.values.http_url import http_url, refuse_query
from notifier.config.yaml.interpolation import is_unset


def public_url(value: object) -> str:
    """Validate an http or https URL, and return it without a slash at its end."""
    if is_unset(value):
        return str(value)
    checked, _ = http_url(value, example="https://notifier.example.com")
    refuse_query(checked)
    return checked.rstrip("/")
