"""Where the API's token comes from, and how a new one is taken up when the old one is refused."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class TokenUnusable(Exception):
    """The token is empty, or holds characters that no HTTP header may carry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Whose account is asked, and where: what one answer says holds only for requests of the same identity.

    `token` is None before the first request; it is shown nowhere.
    """

    base_url: str
    token: str | None = field(repr=False)


class TokenSource(Protocol):
    """The token for the next request."""

    def current(self) -> str:
        """The token.

        Raises:
            TokenUnusable, OSError, ValueError: there is none to be had right now.
        """
        ...

    def refused(self) -> None:
        """Learn that the API answered 401 or 403 to the present token."""
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
        """The token."""
        return self._token

    def refused(self) -> None:
        """Nothing can be done: there is no other."""


class FileToken:
    """A token that `read` finds, usually in a file; read at first use, and again after the API refused it.

    `learned` is told each token before it is used for the first time, so that it can be masked.
    """

    def __init__(self, read: Callable[[], str], learned: Callable[[str], None] = lambda _: None) -> None:
        self._read = read
        self._learned = learned
        self._known: str | None = None
        self._token: str | None = None

    def __repr__(self) -> str:
        return "FileToken(***)"

    def current(self) -> str:
        """The token.

        Raises:
            TokenUnusable: what was read cannot be sent.
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
        """Read again before the next request: the file may hold a new token."""
        self._token = None


def usable(token: str) -> str:
    """The token without the white space around it.

    Raises:
        TokenUnusable: it is empty or cannot stand in a header; the text does not repeat it.
    """
    stripped = token.strip()
    if not stripped:
        raise TokenUnusable("the token is empty")
    if not stripped.isascii() or not stripped.isprintable() or " " in stripped:
        raise TokenUnusable("the token holds characters that no HTTP header may carry")
    return stripped
