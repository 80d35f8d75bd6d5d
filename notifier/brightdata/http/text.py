"""What others wrote, made fit for a log line, a table and a page: bounded, printable, without secrets."""

import re
from urllib.parse import quote

from notifier.core.words import MASK

SHORTEST_SECRET = 8
"""A shorter "secret" is none, and masking it would tear ordinary words to pieces."""

_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def cleaned(text: str, longest: int) -> str:
    """The text as any database and any encoder takes it: no control characters, no lone surrogates, and bounded.

    PostgreSQL refuses NUL and UTF-8 refuses surrogates, and JSON can carry both.
    """
    cut = text[:longest].encode("utf-8", "replace").decode("utf-8")
    return _CONTROLS.sub(" ", cut).strip()


def redacted(text: str, secret: str) -> str:
    """The text with the secret, bare or percent-encoded, and the user part of any URL masked."""
    if len(secret) >= SHORTEST_SECRET:
        text = text.replace(secret, MASK).replace(quote(secret, safe=""), MASK)
    return _USERINFO.sub(f"{MASK}@", text)
