"""Rules for http and https URLs that several keys share. No error quotes a URL."""

from urllib.parse import SplitResult, urlsplit

from notifier.config.values.text import text


def http_url(value: object, *, example: str, no_user: str = "") -> tuple[str, SplitResult]:
    """Validate an http or https URL with a host and without a user.

    Args:
        value: as YAML gives it.
        example: a URL that would be right, for the errors.
        no_user: where a secret belongs instead of into the URL, for the error about a user.

    Returns:
        The URL without white space around it, and its parts.
    """
    checked = str(text(value)).strip()
    parts = split(checked, example=example)
    if parts.scheme not in ("http", "https") or not parts.hostname or any(char.isspace() for char in checked):
        raise ValueError(f"an http or https URL is expected here, as in `{example}`")
    refuse_user(parts, no_user)
    return checked, parts


def split(url: str, *, example: str) -> SplitResult:
    """Split a URL whose host and port can be read."""
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"not a URL: write it as `{example}`") from None
    return parts


def refuse_user(parts: SplitResult, instead: str = "") -> None:
    """Refuse a URL with a user or a password; `instead` says where a secret belongs."""
    if "@" in parts.netloc:
        raise ValueError(f"a user or a password is not allowed in this URL{instead and f': {instead}'}")


def refuse_query(url: str) -> None:
    """Refuse a URL with anything behind its path."""
    if "?" in url or "#" in url:
        raise ValueError("this URL ends with its path: remove the `?` or `#` and what follows")
