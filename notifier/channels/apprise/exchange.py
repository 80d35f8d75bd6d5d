"""What one send did on the wire, as its watchers note it, and who has the message already."""

import hashlib
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field

import requests


class ReachedTargets:
    """The targets of a channel that have a message: the recipients of a mail, the topics of a broker.

    Apprise's plugins mark here whom they told, and leave out whom they find here. Kept as fingerprints: a target may
    be a token.
    """

    def __init__(self, fingerprints: Iterable[str] = ()) -> None:
        self._fingerprints = set(fingerprints)

    def __contains__(self, target: object) -> bool:
        return _fingerprint(target) in self._fingerprints

    def add(self, target: object) -> None:
        """It has the message."""
        self._fingerprints.add(_fingerprint(target))

    @property
    def fingerprints(self) -> frozenset[str]:
        """Of all that have it by now."""
        return frozenset(self._fingerprints)


def _fingerprint(target: object) -> str:
    return hashlib.sha256(repr(target).encode()).hexdigest()[:16]


@dataclass(kw_only=True, slots=True)
class Exchange:
    """The last exchange of one send: an HTTP answer, its exception, a mail server's or broker's word.

    After one that failed an exchange with another target that went well does not count. `lost` is what broke a
    connection for mail or MQTT. `handed_over` is true from the moment in which the message goes out there until the
    far side says what became of it. `smtp_code` and `mqtt_code` are refusals.

    `is_out` is false where the request that `error` ended cannot have gone out.

    `answer` is whole: who cuts it must redact it first, for a cut through a secret leaves a part of it.
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
    """Called when the send is over: takes leave of who would else be kept connected."""


current: ContextVar[Exchange | None] = ContextVar("wire", default=None)
"""The wire of the send that goes on in this context."""
