"""Makes foreign text fit for logs, tables and pages: bounded, printable, without secrets."""

import re
from urllib.parse import quote

from notifier.core.words import MASK

SHORTEST_SECRET = 8
"""Characters. A shorter text is no secret, and masking it would garble ordinary words."""

_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def cleaned(text: str, longest: int) -> str:
    """Returns the text as any database and encoder accepts it: without control characters and lone surrogates, bounded.

    JSON can carry both; PostgreSQL refuses NUL, and UTF-8 refuses surrogates.
    """
    cut = text[:longest].encode("utf-8", "replace").decode("utf-8")
    return _CONTROLS.sub(" ", cut).strip()


def redacted(text: str, secret: str) -> str:
    """Returns the text with the secret, bare or percent-encoded, and the user part of any URL masked."""
    if len(secret) >= SHORTEST_SECRET:
        text = text.replace(secret, MASK).replace(quote(secret, safe=""), MASK)
    return _USERINFO.sub(f"{MASK}@", text)
