"""Signed session values for a cookie: valid until they expire, are revoked, or the token changes."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

LASTS_S = 30 * 86_400
"""Seconds for which a sign-in lasts."""

LONGEST = 200
"""Characters of a value that is looked at."""

MOST_REVOKED = 10_000


class Sessions:
    """Makes and checks values of the form `EXPIRES.NONCE.SIGNATURE`; nothing is stored, so a restart ends none."""

    def __init__(self, token: str, *, clock: Callable[[], float] = time.time) -> None:
        """
        Args:
            token: signs the values; another one makes them all invalid.
            clock: seconds since the epoch.
        """
        self._key = hashlib.sha256(b"notifier session\0" + token.encode()).digest()
        self._clock = clock
        self._revoked: dict[str, None] = {}

    def new(self) -> str:
        """Return the value of a new session."""
        body = f"{int(self._clock()) + LASTS_S}.{secrets.token_urlsafe(12)}"
        return f"{body}.{self._signature(body)}"

    def is_valid(self, value: str) -> bool:
        """Return whether this is the value of a session that lasts."""
        if len(value) > LONGEST or not value.isascii():
            return False
        body, _, signature = value.rpartition(".")
        if not hmac.compare_digest(signature, self._signature(body)):
            return False
        return int(body.partition(".")[0]) > self._clock() and body not in self._revoked

    def revoke(self, value: str) -> None:
        """End a session until the next restart; by then its browser has forgotten it. Changing the token ends all."""
        if not self.is_valid(value):
            return
        if len(self._revoked) >= MOST_REVOKED:
            del self._revoked[next(iter(self._revoked))]
        self._revoked[value.rpartition(".")[0]] = None

    def _signature(self, body: str) -> str:
        digest = hmac.digest(self._key, body.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
