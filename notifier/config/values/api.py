"""The values under `api:` other than the token: the base URL and the request rate."""

from notifier.config.values.http_url import http_url, refuse_query
from notifier.config.values.listen import is_loopback
from notifier.config.values.text import kind

MOST_REQUESTS_PER_SECOND = 1_000_000


def base_url(value: object) -> str:
    """Validate the base URL of the API, and return it without a slash at its end."""
    checked, parts = http_url(value, example="https://api.brightdata.com", no_user="the token goes into `api.token`")
    refuse_query(checked)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError(
            "over http:// the token would be sent unencrypted: write https:// (http:// is for loopback only)"
        )
    return checked.rstrip("/")


def requests_per_second(value: object) -> float:
    """Validate a number above 0, which may come from a variable as text."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise ValueError("a number is expected here, as in `10`") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a number is expected here, as in `10`, not {kind(value)}")
    if not 0 < value <= MOST_REQUESTS_PER_SECOND:  # refuses NaN, too
        raise ValueError(f"a number above 0 and up to {MOST_REQUESTS_PER_SECOND} is expected here")
    return float(value)
