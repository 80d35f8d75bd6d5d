"""Entity tags (RFC 9110, 8.8.3): an answer that has not changed is not sent again.

They are weak: the same resources in other bytes, compressed for example, have the same tag.
"""

import re
from hashlib import blake2b

_TAGS = re.compile(r'(?:W/)?"([^"]*)"')


def etag(body: bytes) -> str:
    """Return the weak entity tag of a body."""
    return f'W/"{blake2b(body, digest_size=12).hexdigest()}"'


def unchanged(if_none_match: str | None, tag: str) -> bool:
    """Return whether `If-None-Match` names the tag, or is `*`. Weak and strong tags compare as equal."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag.removeprefix("W/").strip('"') in _TAGS.findall(if_none_match)
