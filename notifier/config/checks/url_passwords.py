"""Passwords in channel URLs that are probably not read as they were meant. No warning repeats a character of them."""

import re
from collections.abc import Iterator

from notifier.config.documents.document import Document
from notifier.config.yaml.interpolation import is_unset
from notifier.config.yaml.nodes import Flaw, KeyPath, locate

_NEEDLESS = re.compile(r"%(?:3[0-9]|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A]|2D|2E|5F|7E)", re.IGNORECASE)
"""An escape of a character that needs none (RFC 3986, 2.3): whoever encodes a password leaves these as they are."""

_COLON = (
    "a second `:` is before the `@`, and Apprise takes what follows it for no part of the password: write a `:` of the "
    "password as `%3A`"
)
_AT = (
    "two `@` are before the path, and Apprise takes what follows the first for the host: write an `@` of the password "
    "as `%40`"
)
_PERCENT = (
    "a `%` with two digits after it is read as one other character, here as one that needs no such "
    "spelling: if the password has this `%` itself, write it as `%25`"
)


def check_passwords(main: Document) -> None:
    """Note in the main file a warning at every channel URL whose password looks unquoted."""
    if main.root is None:
        return
    for path, url in _urls(main.data.get("channels")):
        for text in warnings_of(url):
            at = locate(main.root, path)
            main.warnings.append(Flaw(place=at.node.place, path=path, text=text))


def warnings_of(url: str) -> Iterator[str]:
    """What a URL's user and password may not be read as they were meant for."""
    authority = re.split("[/?#]", url.partition("://")[2], maxsplit=1)[0]
    userinfo, separator, _ = authority.rpartition("@")
    if not separator:
        return
    if "@" in userinfo:
        yield _AT
    elif userinfo.count(":") > 1:
        yield _COLON
    if _NEEDLESS.search(userinfo.partition(":")[2]):
        yield _PERCENT


def _urls(channels: object) -> Iterator[tuple[KeyPath, str]]:
    for name, channel in channels.items() if isinstance(channels, dict) else ():
        path: KeyPath = ("channels", name)
        if isinstance(channel, dict):
            path, channel = (*path, "url"), channel.get("url")
        if isinstance(channel, str) and not is_unset(channel):
            yield path, channel
