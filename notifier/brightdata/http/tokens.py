"""Sources of the API's token; a refused one is read again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class TokenUnusable(Exception):
    """The token is empty, or has characters that no HTTP header may have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """The account that a request is for: an answer says something only about requests of the same identity.

    `token` is None before the first request; it is never shown.
    """

    base_url: str
    token: str | None = field(repr=False)


class TokenSource(Protocol):
    """Supplies the token for the next request."""

    def current(self) -> str:
        """Returns the token.

        Raises:
            TokenUnusable, OSError, ValueError: it cannot be read now.
        """
        ...

    def refused(self) -> None:
        """Learns that the API answered 401 or 403 to the present token."""
        ...


class StaticToken:
    """A token that does not change while the program runs.

    Raises:
        TokenUnusable: it cannot be sent.
    """

    def __init__(self, token: str) -> None:
        self._token = usable(token)

    def __repr__(self) -> str:
        return "StaticToken(***)"

    def current(self) -> str:
        """Returns the token."""
        return self._token

    def refused(self) -> None:
        """Does nothing: there is no other token."""


class FileToken:
    """A token that `read` returns, usually from a file; read at first use, and again after the API refused it.

    `learned` is called with each new token before its first use, to mask it everywhere.
    """

    def __init__(self, read: Callable[[], str], learned: Callable[[str], None] = lambda _: None) -> None:
        self._read = read
        self._learned = learned
        self._known: str | None = None
        self._token: str | None = None

    def __repr__(self) -> str:
        return "FileToken(***)"

    def current(self) -> str:
        """Returns the token.

        Raises:
            TokenUnusable: it cannot be sent.
            OSError, ValueError: from `read`.
        """
        if self._token is None:
            token = usable(self._read())
            if token != self._known:
                self._learned(token)
                self._known = token
            self._token = token
        return self._token

    def refused(self) -> None:
        """Makes the next request read the token again: the file may have a new one."""
        self._token = None


def usable(token: str) -> str:
    """Returns the token without the white space around it.

    Raises:
        TokenUnusable: it is empty or not valid in a header; the text does not quote it.
    """
    stripped = token.strip()
    if not stripped:
        raise TokenUnusable("the token is empty")
    if not stripped.isascii() or not stripped.isprintable() or " " in stripped:
        raise TokenUnusable("the token has characters that no HTTP header may have")
    return stripped
