"""The headers of every answer, unless it has its own of that name."""

from collections.abc import Iterable

from notifier import __version__

_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"server", f"notifier/{__version__}".encode()),
    (b"notifier-version", __version__.encode()),  # a proxy replaces `Server`
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    # With `no-referrer` browsers send `Origin: null` with a form, as if it were another page's.
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", _POLICY),
)


def with_headers(own: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer with those that it lacks."""
    found = [(name.lower(), value) for name, value in own]
    names = {name for name, _ in found}
    return [*found, *(header for header in HEADERS if header[0] not in names)]
