"""The address and the secret of a signed webhook. No error quotes either.

The secret is that of https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: 24 to
64 random bytes, written in base64 after `whsec_`.
"""

import base64
import ipaddress
import re
from urllib.parse import SplitResult

from notifier.config.values.http_url import refuse_user, split
from notifier.config.values.text import text
from notifier.config.yaml.interpolation import is_unset

PREFIX = "whsec_"
SHORTEST_SECRET = 24
LONGEST_SECRET = 64

_HOST = re.compile(r"[A-Za-z0-9._-]+")
PLAIN = re.compile(
    r"https?://(?:(?!xn--)[a-z][a-z0-9-]{0,61}[a-z0-9]\.){1,5}[a-z]{2,20}(?::[1-9][0-9]{0,3})?(?:/[A-Za-z0-9/._~-]*)?"
)
_EXAMPLE = "https://example.com/hooks/snapshots"
_MAKE_ONE = "make one with `openssl rand -base64 32`"


def address(value: object) -> str:
    """Validate the address of a webhook. `checks.channels` checks http:// against `allow_private`."""
    if is_unset(value):
        return str(value)
    checked = str(text(value)).strip()
    parts = split(checked, example=_EXAMPLE)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"an https URL is expected here, as in `{_EXAMPLE}`")
    if any(char.isspace() for char in checked):
        raise ValueError("a URL cannot have a space in it: a webhook has one address, so make two channels for two")
    refuse_user(parts, "the `secret` signs what is sent")
    if "#" in checked:
        raise ValueError("remove the `#` and what follows: it is never sent")
    if not _has_host(parts):
        raise ValueError(f"the host is missing or invalid: write the URL as `{_EXAMPLE}`")
    return checked


def is_plain(value: str) -> bool:
    """Return whether an address is certainly valid: a host name, and a path of ordinary characters.

    The HTTP client, which takes a quarter of a second to import, checks the others.
    """
    return PLAIN.fullmatch(value) is not None


def is_unencrypted(value: str) -> bool:
    """Return whether messages to the address are unencrypted."""
    return value.lower().startswith("http://")


def secret(value: object) -> str:
    """Validate a secret, with or without `whsec_`, and return it in its canonical form."""
    if is_unset(value):
        return str(value)
    encoded = text(value).strip().removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        raise ValueError(f"a secret is written in base64: {_MAKE_ONE}") from None
    if not SHORTEST_SECRET <= len(key) <= LONGEST_SECRET:
        size = f"{len(key)} bytes, and Standard Webhooks asks for {SHORTEST_SECRET} to {LONGEST_SECRET}"
        raise ValueError(f"this secret has {size}: {_MAKE_ONE}")
    return PREFIX + base64.b64encode(key).decode()


def _has_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        if ":" in host:
            return ipaddress.IPv6Address(host).scope_id is None
        return _HOST.fullmatch(host.encode("idna").decode()) is not None
    except ValueError:
        return False
