"""Every service that Apprise knows, as an object that hands over instead of sending."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apprise import Apprise, NotifyBase, NotifyFormat
from apprise.manager_plugins import NotificationManager

from notifier.channels.apprise.service_text_limits import ServiceText, unmodified

URLS = {
    "NotifyGitHub": "github://token@owner/repo",
    "NotifyMastodon": "mastodon://token@example.com/@somebody",
    "NotifyMatrix": "matrix://user:password@example.com/#room",
    "NotifyMobileMessage": "mobilemessage://user:password@15551112222/15551113333",
    "NotifyNotifyre": "notifyre://1234567890abcdef1234/15551113333",
    "NotifySNS": f"sns://AHIAJGNT76XIMXDBIJYA/{'s' * 40}/us-east-1/12223334444",
    "NotifyTelegram": "tgram://123456789:abcdefghijklmnopqrstuvwxyzABCDEFGHI/123",
    "NotifyTwilio": f"twilio://AC{'a' * 32}:{'b' * 32}@15551112222/15551113333",
    "NotifyTwitter": "twitter://consumer/secret/token/tokensecret",
    "NotifyWebexTeams": f"wxteams://{'a' * 80}",
}
"""The services whose limits depend on their URL."""


@dataclass
class Handed:
    """What a service was given to send."""

    sent: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, **given: Any) -> bool:
        self.sent.append(given)
        return True


def classes() -> list[type[NotifyBase]]:
    """The classes of all services, also of those whose packages are not installed."""
    plugins: Iterable[type[NotifyBase]] = NotificationManager().plugins()  # type: ignore[no-untyped-call]
    return sorted(set(plugins), key=lambda each: each.__name__)


def made(kind: type[NotifyBase], chosen: NotifyFormat | None = None) -> NotifyBase:
    """An object of the class, from a URL if its limits depend on that; with the format that a URL would choose."""
    service = _made(kind)
    if chosen is not None and isinstance(kind.notify_format, tuple):
        service._format_override = chosen
    elif chosen is not None:
        service.notify_format = chosen
    return service


def _made(kind: type[NotifyBase]) -> NotifyBase:
    url = URLS.get(kind.__name__)
    if url is not None and kind.enabled:
        service = Apprise.instantiate(url)
        assert isinstance(service, kind), url
        return unmodified(service)
    service = kind.__new__(kind)
    NotifyBase.__init__(service)  # type: ignore[no-untyped-call]
    # What some classes look at when an object is thrown away, or for a limit.
    for name in ("sock", "access_token", "user_id", "token", "subject"):
        if not hasattr(kind, name):
            setattr(service, name, None)
    return unmodified(service)


def handed(service: NotifyBase, text: ServiceText) -> tuple[str, str]:
    """The title and the body that the service's own `send` gets."""
    ear = Handed()
    service.send = ear  # type: ignore[assignment]
    for each in ("text", "html", "markdown"):
        if hasattr(service, f"send_{each}"):
            setattr(service, f"send_{each}", ear)
    type(service).enabled, enabled = True, type(service).enabled
    try:
        apprise = Apprise()
        apprise.add(service)
        assert apprise.notify(title=text.title, body=text.body, body_format=text.format)
    finally:
        type(service).enabled = enabled
    (given,) = ear.sent
    return given["title"], given["body"]
