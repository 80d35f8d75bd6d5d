"""The values under `api:` other than the token: the base URL and the request rate."""

from urllib.parse import urlsplit

from notifier.config.values.listen import is_loopback
from notifier.config.values.text import kind, text

MOST_REQUESTS_PER_SECOND = 1_000_000


def base_url(value: object) -> str:
    """Validate the base URL of the API, and return it without a slash at its end."""
    checked = str(text(value))
    try:
        parts = urlsplit(checked)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("not a URL: write it as `https://api.brightdata.com`") from None
    if parts.scheme not in ("http", "https") or not host or any(char.isspace() for char in checked):
        raise ValueError("an http or https URL is expected here, as in `https://api.brightdata.com`")
    if "@" in parts.netloc:
        raise ValueError("a user or a password is not allowed in this URL: the token goes into `api.token`")
    if "?" in checked or "#" in checked:
        raise ValueError("this URL ends with its path: remove the `?` or `#` and what follows")
    if parts.scheme == "http" and not is_loopback(host):
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
