"""Warns of passwords in channel URLs that are probably misread. No warning quotes any of them."""

import re
from collections.abc import Iterator

from notifier.config.documents.document import Document
from notifier.config.yaml.interpolation import is_unset
from notifier.config.yaml.nodes import Flaw, KeyPath, locate

_NEEDLESS = re.compile(r"%(?:3[0-9]|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A]|2D|2E|5F|7E)", re.IGNORECASE)
"""An escaped character that needs no escape (RFC 3986, 2.3), and that encoders do not escape."""

_COLON = (
    "there are two `:` before the `@`, and Apprise ends the password at the second: write a `:` in the password as "
    "`%3A`"
)
_AT = (
    "there are two `@` before the path, and Apprise reads the host after the first: write an `@` in the password as "
    "`%40`"
)
_PERCENT = (
    "a `%` with two digits is read as one character, here one that needs no escape: if the password has this `%` "
    "itself, write it as `%25`"
)


def check_passwords(main: Document) -> None:
    """Add a warning to the main file for every channel URL whose password looks unquoted."""
    if main.root is None:
        return
    for path, url in _urls(main.data.get("channels")):
        for text in warnings_of(url):
            at = locate(main.root, path)
            main.warnings.append(Flaw(place=at.node.place, path=path, text=text))


def warnings_of(url: str) -> Iterator[str]:
    """Yield the reasons why the user and password of a URL may be misread."""
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
