"""Explains why Apprise refuses a URL, and what would be right, without quoting anything of the URL.

Apprise itself gives no reason. But it knows each service's schemes, the shapes of its URLs and the packages that it
needs.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from apprise import Apprise, AppriseAsset

from notifier.core.delivery.services import service_of
from notifier.core.suggestions import closest

_MOST_SHAPES = 3

_MAIL = (
    "mail has a user, a password and a host: mailtos://user:password@smtp.example.com?to=…; in the password write `@` "
    "as %40, `:` as %3A, `/` as %2F"
)

_KNOWN_WELL = {
    "slack": "Slack's ends with three parts, T…/B…/…; copy the address whole, or write slack://T…/B…/…",
    "discord": "Discord's ends with two parts, ID/TOKEN; copy the address whole, or write discord://ID/TOKEN",
    "tgram": "Telegram's has the bot's token and a chat: tgram://123456789:TOKEN/CHAT",
    "workflows": "take the address that the workflow shows, with all after its `?`, in quotes",
    "msteams": "take the address that Teams shows whole; for a new one make a workflow (docs/channels.md)",
    "mailto": _MAIL,
    "mailtos": _MAIL,
    "ntfy": "ntfy has a topic: ntfy://TOPIC, or on a server of your own ntfys://ntfy.example.com/TOPIC",
}
"""The most frequent mistakes. They have no part of an address of 8 letters or more: it would be masked."""

_EXTRAS = {
    "mqtt": "mqtt",
    "mqtts": "mqtt",
    "xmpp": "xmpp",
    "xmpps": "xmpp",
    "amqp": "amqp",
    "amqps": "amqp",
    "smpp": "smpp",
    "smpps": "smpp",
    "growl": "growl",
    "fcm": "cryptography",
    "vapid": "cryptography",
    "session": "cryptography",
    "sessions": "cryptography",
    "sogs": "cryptography",
}
"""The extra of this package that installs what a service needs, by its scheme."""

_WEB = (
    "Apprise knows no service at this https address: for a web service of your own write `json://HOST/PATH` or "
    "`jsons://…` (encrypted), for signed messages `webhook:` instead of `url:`"
)


@dataclass(frozen=True, slots=True)
class _Service:
    schemes: tuple[str, ...]
    shapes: tuple[str, ...]
    enabled: bool
    packages: tuple[str, ...]


def advice(url: str, asset: AppriseAsset) -> str:
    """Returns why Apprise refuses a URL.

    Args:
        url: with a scheme.
        asset: Apprise's own settings.
    """
    scheme = url.partition("://")[0].lower()
    meant = service_of(url)
    services = _services(asset)
    found = next((each for each in services if scheme in each.schemes), None)
    if found is not None and not found.enabled:
        return _package(scheme, found)
    if meant != scheme and meant in _KNOWN_WELL:
        return f"Apprise refuses this address: {_KNOWN_WELL[meant]}"
    if found is not None:
        shapes = _KNOWN_WELL.get(scheme) or f"it looks like {_shapes(scheme, found)}"
        return f"Apprise refuses this {scheme}:// URL: a part of it is missing or malformed; {shapes}"
    if scheme in ("http", "https"):
        return _WEB
    near = closest(scheme, (each for service in services for each in service.schemes))
    guess = f"; did you mean {near}://?" if near else "; see https://appriseit.com/services/"
    return f"Apprise knows no service {scheme!r}{guess}"


@cache
def _services(asset: AppriseAsset) -> list[_Service]:
    entries = Apprise(asset=asset).details(show_requirements=True, show_disabled=True)["schemas"]
    return [_service(each) for each in entries]


def _package(scheme: str, service: _Service) -> str:
    needed = " and ".join(service.packages) or "a package"
    cure = (
        f"pip install 'notifier[{_EXTRAS[scheme]}]'"
        if scheme in _EXTRAS
        else f"pip install {' '.join(repr(each.replace(' ', '')) for each in service.packages)}"
    )
    return f"{scheme}:// needs {needed}, which is not installed here, or cannot work here: `{cure}`"


def _shapes(scheme: str, service: _Service) -> str:
    shapes = [
        re.sub(r"\{(\w+)\}", lambda each: each[1].upper(), shape.replace("{schema}", scheme))
        for shape in service.shapes
    ]
    return " or ".join(sorted(shapes, key=len)[:_MOST_SHAPES])


def _service(entry: dict[str, Any]) -> _Service:
    details, required = entry.get("details") or {}, entry.get("requirements") or {}
    return _Service(
        schemes=(*(entry.get("protocols") or ()), *(entry.get("secure_protocols") or ())),
        shapes=tuple(details.get("templates") or ()),
        enabled=bool(entry.get("enabled", True)),
        packages=tuple(map(str, required.get("packages_required") or ())),
    )
