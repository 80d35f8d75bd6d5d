"""Checks `hooks:` against the rest of the main file: whether a hint can arrive, and whom it notifies."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from notifier.config.documents.document import Document
from notifier.config.schema import MainFile
from notifier.config.values.listen import OFF, is_loopback
from notifier.config.yaml.interpolation import is_unset
from notifier.config.yaml.nodes import Flaw, KeyPath, locate

_NO_CHANNEL = (
    "adopted snapshots notify no channel: add `notify: [CHANNEL]` here, or `notify:` under `defaults:` for all watches"
)
_NO_HTTP = "nothing takes the hints, because `http:` is off: give it an address, or remove `hooks:`"
_NO_URL = (
    "`notifier trigger` does not ask Bright Data for hints, because it does not know the address: write it under "
    "`http:`, as in `public_url: https://notifier.example.com`"
)
_LOOPBACK = (
    "only this machine reaches this address, and Bright Data cannot send hints to it: name the one that others use"
)
_UNENCRYPTED = (
    "over http:// everybody on the way reads the secret of `hooks:` and the token of `http:`: use https://, as by a "
    "reverse proxy"
)


def check_hooks(main: Document, *, has_default_notify: bool) -> None:
    """Add a flaw to the main file if snapshots are adopted and no channel is notified of them."""
    hooks = main.data.get("hooks")
    if main.root is None or not isinstance(hooks, dict) or has_default_notify:
        return
    if str(hooks.get("adopt", False)).lower() == "true" and "notify" not in hooks:
        path: KeyPath = ("hooks", "adopt")
        main.add([Flaw(place=locate(main.root, path).node.place, path=path, text=_NO_CHANNEL)])


def check_address(main: Document, sections: MainFile) -> None:
    """Add a warning to the main file for each reason why hints do not arrive, or not safely."""
    assert main.root is not None
    for path, text in _doubts(sections):
        found = locate(main.root, path)
        main.warnings.append(Flaw(place=found.node.place, path=path, text=text))


def _doubts(sections: MainFile) -> Iterator[tuple[KeyPath, str]]:
    url = sections.http.public_url
    if sections.hooks is not None and sections.http.listen == OFF:
        yield ("hooks",), _NO_HTTP
    elif sections.hooks is not None and url is None:
        yield ("hooks",), _NO_URL
    if url is None or is_unset(url):
        return
    parts = urlsplit(url)
    if is_loopback(parts.hostname or ""):
        yield ("http", "public_url"), _LOOPBACK
    elif parts.scheme == "http":
        yield ("http", "public_url"), _UNENCRYPTED
