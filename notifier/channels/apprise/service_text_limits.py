"""Lays out a message for a service, within the service's limits: nothing is cut on the way.

Apprise cuts at `body_maxlen` code points, whatever unit the service counts in, and reports the rest as delivered. So
the text is laid out here, in the service's own dialect and units, and Apprise is set to change nothing.
"""

import codecs
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from apprise import NotifyBase, NotifyFormat, OverflowMode

from notifier.channels.apprise.escaping import Dialect, dialect_of
from notifier.core.delivery.model import Message
from notifier.core.words import cut

Measure = Callable[[str], int]

_encode = codecs.getencoder("utf-16-le")
"""Looked up at import: Python opens a codec's module at its first use, when a file descriptor may be lacking."""


def utf16(text: str) -> int:
    """Returns the length in UTF-16 code units, in which most services count; at least that in code points."""
    return len(_encode(text, "surrogatepass")[0]) // 2


def utf8(text: str) -> int:
    """Returns the length in bytes."""
    return len(text.encode("utf-8", "surrogatepass"))


def as_json(text: str) -> int:
    """Returns the bytes inside a JSON string in ASCII, as Apprise writes it."""
    return len(json.dumps(text)) - 2


def as_json_in_utf8(text: str) -> int:
    """Returns the bytes inside a JSON string in UTF-8, as Matrix measures an event."""
    return utf8(json.dumps(text, ensure_ascii=False)) - 2


def weighted(text: str) -> int:
    """Returns Twitter's count: characters outside its ranges of Latin and punctuation count twice.

    Source: https://docs.x.com/fundamentals/counting-characters
    """
    return sum(1 if ord(char) <= 0x10FF or 0x2000 <= ord(char) <= 0x201F else 2 for char in text)


_BYTES = (
    *("NotifyIRC", "NotifyNtfy", "NotifyAprs", "NotifyWeComBot", "NotifyWeChat", "NotifyViber", "NotifySimplePush"),
    *("NotifySyslog", "NotifyRSyslog"),
)
_JSON = ("NotifyLark", "NotifyFeishu", "NotifyDingTalk", "NotifyFCM")
_MEASURES: Mapping[str, Measure] = {
    **dict.fromkeys(_BYTES, utf8),
    **dict.fromkeys(_JSON, as_json),
    "NotifyMatrix": as_json_in_utf8,
    "NotifyTwitter": weighted,
}
"""The units of services that do not count in UTF-16."""

_BODIES = {
    "NotifyNtfy": 4_096,
    "NotifyStreamlabs": 254,
    "NotifyMatrix": 20_000,
    "NotifySyslog": 2_000,
    "NotifyRSyslog": 2_000,
}
"""The limits of services that accept less than Apprise's class says.

ntfy turns a longer text into an attachment: https://docs.ntfy.sh/publish/#limitations. Of a Streamlabs donation
Apprise's plugin sends this much, title included. A Matrix event has at most 65,536 bytes
(https://spec.matrix.org/v1.11/client-server-api/#size-limits), in which a text may occur twice, and in base64. A syslog
server may cut what is longer than 2,048 bytes (RFC 5424, 6.1).
"""

_SLACK_BLOCK, _SLACK_HEADER = 3_000, 150
"""Slack's limits of a text and of a title if the URL says `blocks=yes`; it refuses a longer message.

Source: https://docs.slack.dev/reference/block-kit/blocks/
"""

_TOGETHER = frozenset({"NotifyStreamlabs", "NotifyFluxer", "NotifyRevolt", "NotifySyslog", "NotifyRSyslog"})
"""Services whose plugin puts the title into the body's field, though its class does not say so."""

_HEADER = 600
"""UTF-8 bytes of a mail's subject: encoded (RFC 2047), it stays within a line of 998 octets (RFC 5322, 2.1.1)."""

_TITLES = {"NotifyOpsgenie": 130, "NotifyJira": 130}
"""Where Apprise's plugin cuts a title that its class takes, as the service would."""

_MAILS = frozenset({"NotifyEmail", "NotifySES", "NotifyGroundmail", "NotifyOffice365", "NotifyMailgun"})

_BETWEEN = 8
"""Room for what a plugin puts between a title and a body in one field."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceText:
    """A title and a body for Apprise, in the service's own format."""

    title: str
    body: str
    format: NotifyFormat


def unmodified(service: NotifyBase) -> NotifyBase:
    """Returns the service with all of Apprise's changes and cuts of a message turned off."""
    service.overflow_mode = OverflowMode.UPSTREAM
    service.dialect_convert = _unchanged  # type: ignore[method-assign]
    return service


def _unchanged(body: str, *_: object, **__: object) -> str:
    return body


class ServiceTextLimits:
    """Lays out messages for one service, and checks whether it accepts them completely."""

    def __init__(self, service: NotifyBase) -> None:
        self._service = service
        self._dialect: Dialect = dialect_of(service)
        self._name = type(service).__name__
        self._measure = _MEASURES.get(self._name, utf16)
        self._titled = service.title_maxlen > 0 and self._dialect.titles

    def literal(self, text: str) -> str:
        """Returns the text escaped for a body."""
        return self._dialect.literal(text)

    def literal_title(self, text: str) -> str:
        """Returns the text escaped for a title."""
        return self._dialect.title(text) if self._titled else self._dialect.literal(text)

    def arranged(self, message: Message) -> ServiceText:
        """Returns the message as the service gets it.

        For a service without titles, the title begins the body. A title that is too long for its field is cut there,
        visibly, and the complete title begins the body.
        """
        title = message.title if message.literal else self.literal_title(message.title)
        body = message.body if message.literal else self.literal(message.body)
        if not self._titled:
            return self._text("", self._dialect.heading(self._finish(title)), body)
        if self._takes_title(title):
            return self._text(title, "", body)
        whole = title if self._dialect.title is self._dialect.literal else self.literal(title)
        return self._text(self._shortened(title), self._finish(whole), body)

    def fits(self, message: Message) -> bool:
        """Returns whether the service accepts the complete message."""
        return self.excess(self.arranged(message)) is None

    def excess(self, text: ServiceText) -> str | None:
        """Returns why the service does not accept the complete text; None if it does."""
        size, room = self._measure(text.body), self._room
        if self._together and text.title:
            size += self._measure(text.title) + _BETWEEN
        if size > room:
            return f"the message is {size:,} long, and {self._service.service_name} takes {room:,}"
        lines = text.body.count("\n") + 1
        most = self._service.body_max_line_count
        if 0 < most < lines:
            return f"the message has {lines:,} lines, and {self._service.service_name} shows {most:,}"
        return None

    @property
    def _together(self) -> bool:
        return self._service.overflow_amalgamate_title or self._name in _TOGETHER

    @property
    def _room(self) -> int:
        room = min(self._service.body_maxlen, _BODIES.get(self._name, self._service.body_maxlen))
        return min(room, _SLACK_BLOCK) if self._in_blocks else room

    @property
    def _in_blocks(self) -> bool:
        return self._name == "NotifySlack" and bool(getattr(self._service, "use_blocks", False))

    def _text(self, title: str, head: str, body: str) -> ServiceText:
        finished = self._finish(body)
        whole = f"{head}{self._dialect.line_end}{finished}" if head else finished
        return ServiceText(title=title, body=whole, format=self._dialect.format)

    def _finish(self, text: str) -> str:
        return self._dialect.finish(text)

    def _takes_title(self, title: str) -> bool:
        if self._name in _MAILS and utf8(title) > _HEADER:
            return False
        longest = min(self._service.title_maxlen, _TITLES.get(self._name, self._service.title_maxlen))
        if self._in_blocks and utf16(escape(title, quote=False)) > _SLACK_HEADER:
            return False
        if self._together:
            longest = min(longest, self._room // 2)
        return self._measure(title) <= longest

    def _shortened(self, title: str) -> str:
        size = min(len(title), self._service.title_maxlen)  # in every unit a code point counts at least one
        while size > 0 and not self._takes_title(f"{cut(title, size).rstrip()}…"):
            size -= 1
        return f"{cut(title, size).rstrip()}…" if size else ""
