"""The address at which other machines reach the daemon, as through a reverse proxy."""

from urllib.parse import urlsplit

from notifier.config.values.text import text
from notifier.config.yaml.interpolation import is_unset

_EXAMPLE = "`https://notifier.example.com`"


def public_url(value: object) -> str:
    """Validate an http or https URL, and return it without a slash at its end."""
    checked = text(value)
    if is_unset(checked):
        return str(checked)
    checked = str(checked).strip()
    try:
        parts = urlsplit(checked)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"not a URL: write it as {_EXAMPLE}") from None
    if parts.scheme not in ("http", "https") or not host or any(char.isspace() for char in checked):
        raise ValueError(f"an http or https URL is expected here, as in {_EXAMPLE}")
    if "@" in parts.netloc:
        raise ValueError("a user or a password is not allowed in this URL")
    if "?" in checked or "#" in checked:
        raise ValueError("this URL ends with its path: remove the `?` or `#` and what follows")
    return checked.rstrip("/")
