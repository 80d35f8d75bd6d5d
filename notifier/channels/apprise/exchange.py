"""Records the network exchange of one send, and which targets have the message already."""

import hashlib
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field

import requests


class ReachedTargets:
    """The targets of a channel that have a message: the recipients of a mail, the topics of a broker.

    Apprise's plugins record here each target reached, and skip those that are recorded. Kept as fingerprints: a target
    may be a token.
    """

    def __init__(self, fingerprints: Iterable[str] = ()) -> None:
        self._fingerprints = set(fingerprints)

    def __contains__(self, target: object) -> bool:
        return _fingerprint(target) in self._fingerprints

    def add(self, target: object) -> None:
        """Records that the target has the message."""
        self._fingerprints.add(_fingerprint(target))

    @property
    def fingerprints(self) -> frozenset[str]:
        """The fingerprints of all targets that have it."""
        return frozenset(self._fingerprints)


def _fingerprint(target: object) -> str:
    return hashlib.sha256(repr(target).encode()).hexdigest()[:16]


@dataclass(kw_only=True, slots=True)
class Exchange:
    """The last exchange of one send: an HTTP answer or its exception, a mail server's or broker's reply.

    After a failed exchange, a successful one with another target does not count. `lost` is the exception that ended a
    connection for mail or MQTT. There, `handed_over` is true from the moment the message is sent until the server
    answers. `smtp_code` and `mqtt_code` are refusals. `is_out` is false if the request that `error` ended cannot have
    been sent.

    `answer` is complete. Redact it before cutting it: a cut through a secret leaves a part of it.
    """

    http_status: int | None = None
    retry_after: str | None = None
    answer: str = ""
    error: requests.RequestException | None = None
    is_out: bool = True
    smtp_code: int | None = None
    mqtt_code: int | None = None
    lost: OSError | None = None
    handed_over: bool = False
    reached: ReachedTargets = field(default_factory=ReachedTargets)
    leave: list[Callable[[], object]] = field(default_factory=list)
    """Called at the end of the send, to close connections that would be kept otherwise."""


current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
"""The exchange of the current send."""
