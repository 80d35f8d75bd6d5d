"""The URL of a heartbeat, and its interval."""

from datetime import timedelta
from urllib.parse import urlsplit

from notifier.config.values.durations import duration
from notifier.config.values.text import text
from notifier.config.yaml.interpolation import is_unset

MOST_OFTEN = timedelta(seconds=10)


def address(value: object) -> str:
    """Validate the http or https URL of a dead man's switch."""
    checked = text(value)
    if is_unset(checked):
        return str(checked)
    checked = str(checked).strip()
    try:
        parts = urlsplit(checked)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or any(char.isspace() for char in checked):
        raise ValueError("an http or https URL is expected here, as in `https://hc-ping.com/…`")
    if "@" in parts.netloc:
        raise ValueError("a user or a password is not allowed in this URL")
    return checked


def every(value: object) -> timedelta:
    """Validate the interval of the heartbeat."""
    checked = duration(value)
    if checked < MOST_OFTEN:
        raise ValueError(f"too often for such a service: the shortest interval is `{MOST_OFTEN.seconds}s`")
    return checked
