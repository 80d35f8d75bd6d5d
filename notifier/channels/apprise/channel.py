"""Sends messages to an Apprise URL: one long-lived object, one call at a time, in a thread of its own."""

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from apprise import Apprise, NotifyBase, NotifyType
from apprise.result import AppriseResult

from notifier.channels.apprise.classifier import failure
from notifier.channels.apprise.http_observer import observed
from notifier.channels.apprise.service import asset, instantiate
from notifier.channels.apprise.service_text_limits import ServiceText, ServiceTextLimits, unmodified
from notifier.channels.bounded_sender import BoundedSender
from notifier.channels.http_answers import kept_detail
from notifier.core.delivery.model import Message, Outcome, OutcomeKind, Severity

SEND_LIMIT = timedelta(seconds=60)
"""For a send as a whole. Apprise's own timeouts are for each read: a service that drips would hold it for ever."""

_KEEPING = re.compile("mqtts?://", re.IGNORECASE)
"""Services that keep a connection and send over it later what failed before: each send needs a new object."""


def _sender(url: str) -> NotifyBase | None:
    service = instantiate(url)
    return service and unmodified(service)


class AppriseChannel:
    """Sends messages to one Apprise URL.

    Apprise's plugins keep their rate by sleeping and have no locks. So the plugin object lives as long as the channel,
    and is never called twice at a time. A send that was cut keeps the object for its thread, and the next send gets a
    new one.
    """

    def __init__(self, *, name: str, url: str, redact: Callable[[str], str], limit: timedelta = SEND_LIMIT) -> None:
        """
        Args:
            name: the channel's name.
            url: an Apprise URL that `url_check` accepts.
            redact: masks secrets in the service's answer.
            limit: the time after which a send is cut.

        Raises:
            ValueError: Apprise refuses the URL.
        """
        self.name = name
        self._redact = redact
        self._cutter = BoundedSender(name, limit)
        service, measured = _sender(url), _sender(url)
        if service is None or measured is None:
            raise ValueError(f"channel {name}: Apprise refuses its URL")
        self._fitting = ServiceTextLimits(measured)  # an object that never sends: after a cut the other one is replaced
        self._url = url
        self._apprise = Apprise(asset=asset())
        self._apprise.add(service)

    def literal(self, text: str) -> str:
        """Returns the text escaped for a body."""
        return self._fitting.literal(text)

    def literal_title(self, text: str) -> str:
        """Returns the text escaped for a title."""
        return self._fitting.literal_title(text)

    def fits(self, message: Message) -> bool:
        """Returns whether the service accepts the complete message."""
        return self.excess(message) is None

    def excess(self, message: Message) -> str | None:
        """Returns why the service does not accept the complete message, in numbers; None if it does."""
        return self._fitting.excess(self._fitting.arranged(message))

    async def send(self, message: Message, reached: Collection[str] = ()) -> Outcome:
        """Sends a message to those of the channel's targets that do not have it yet; returns the outcome."""
        if (reason := self.excess(message)) is not None:
            return Outcome(kind=OutcomeKind.PERMANENT, reason="too_long", detail=reason)
        text = self._fitting.arranged(message)
        apprise = self._apprise
        is_free = False
        try:
            outcome, was_cut = await self._cutter.run(lambda: self._send(apprise, text, message.severity, reached))
            is_free = not was_cut and not _KEEPING.match(self._url)
        finally:
            if not is_free and (service := _sender(self._url)) is not None:
                self._apprise = Apprise(asset=asset())
                self._apprise.add(service)
        return outcome

    def _send(self, apprise: Apprise, text: ServiceText, severity: Severity, reached: Collection[str]) -> Outcome:
        with observed(reached) as exchange:
            try:
                result = apprise.notify(
                    title=text.title,
                    body=text.body,
                    body_format=text.format,
                    notify_type=NotifyType(severity),
                )
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                outcome = Outcome(kind=OutcomeKind.RETRY, reason="plugin_error", detail=repr(error))
            else:
                if result:
                    reason = f"http_{exchange.http_status}" if exchange.http_status is not None else "sent"
                    return self._tidy(Outcome(kind=OutcomeKind.DELIVERED, reason=reason, detail=exchange.answer))
                outcome = failure(exchange, _log_of(result), datetime.now(UTC))
        if reached := exchange.reached.fingerprints:
            outcome = replace(outcome, reached=reached, detail=f"not to all of its targets: {outcome.detail}")
        return self._tidy(outcome)

    def _tidy(self, outcome: Outcome) -> Outcome:
        return replace(outcome, detail=kept_detail(outcome.detail, self._redact))


def _log_of(result: AppriseResult) -> str:
    return "; ".join(dict.fromkeys(str(entry.message) for entry in result.logs()))
