"""The URL of a heartbeat, and its interval."""

from datetime import timedelta

from notifier.config.values.durations import duration
from notifier.config.values.http_url import http_url
from notifier.config.yaml.interpolation import is_unset

MOST_OFTEN = timedelta(seconds=10)


def address(value: object) -> str:
    """Validate the http or https URL of a dead man's switch."""
    if is_unset(value):
        return str(value)
    checked, _ = http_url(value, example="https://hc-ping.com/…")
    return checked


def every(value: object) -> timedelta:
    """Validate the interval of the heartbeat."""
    checked = duration(value)
    if checked < MOST_OFTEN:
        raise ValueError(f"too often for such a service: the shortest interval is `{MOST_OFTEN.seconds}s`")
    return checked
