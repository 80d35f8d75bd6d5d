"""Sends to a channel: people get a message, rendered and merged; a program gets the event itself."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime

from notifier.channels.apprise.channel import AppriseChannel
from notifier.channels.templates.render import Renderer
from notifier.channels.templates.samples import sample_events
from notifier.channels.webhook.channel import WebhookChannel
from notifier.config.model import Channel
from notifier.core.delivery.digest import batchable, digest
from notifier.core.delivery.model import Deliverable, Event, Message, Notice, Outcome, OutcomeKind
from notifier.core.delivery.routing import ALL


class MessageSender:
    """Sends messages to an Apprise channel: one event by its template, several as a digest."""

    def __init__(
        self, channel: AppriseChannel, renderer: Renderer, template_failed: Callable[[str, str, str], None]
    ) -> None:
        """
        Args:
            channel: where the message goes.
            renderer: makes the message of one event.
            template_failed: called with the channel, the event's id and the reason when a template fails.
        """
        self.name = channel.name
        self._channel = channel
        self._renderer = renderer
        self._template_failed = template_failed

    def batchable(self, deliverables: Sequence[Deliverable]) -> Sequence[Deliverable]:
        """Return those of these that fit into one message; at least one."""
        try:
            return batchable(deliverables, self._channel.fits)
        except Exception:  # noqa: BLE001 - one that cannot be measured goes alone, and its send reports the error
            return deliverables[:1]

    async def send(self, deliverables: Sequence[Deliverable], reached: Collection[str] = ()) -> Outcome:
        """Send these as one message, but not to those of the channel's targets that have it already."""
        return await self._channel.send(self.message(deliverables), reached)

    def message(self, deliverables: Sequence[Deliverable]) -> Message:
        """Return one message about all of these."""
        first = deliverables[0]
        if len(deliverables) > 1 or isinstance(first, Notice):
            return digest(deliverables, self._channel.fits)
        text, reason = self._renderer.render(first, self._channel)
        if reason is not None:
            self._template_failed(self.name, first.id, reason)
        return text


def templates_without_room(channel: Channel) -> Iterator[tuple[str, str]]:
    """Iterate over the templates of a channel whose messages are too long for the service, each with the reason.

    They are tried with an event of each kind, with the shortest name and reason: nothing else of a message is cut.
    """
    if channel.url is None or not channel.templates:
        return
    reader, renderer = AppriseChannel(name=channel.name, url=channel.url, redact=str), Renderer(channel.templates)
    named: set[str] = set()
    for event in sample_events():
        made = renderer.shortest(event, reader)
        excess = reader.excess(made) if made is not None else None
        names = (*reversed(event.transition.names), ALL)
        word = next((name for name in names if name in channel.templates), None)
        if excess is not None and word is not None and word not in named:
            named.add(word)
            yield word, f"{excess}, however short the reason (channel {channel.name}): shorten the template"


class WebhookSender:
    """Sends events to a signed webhook, one at a time."""

    def __init__(self, channel: WebhookChannel) -> None:
        self.name = channel.name
        self._channel = channel

    def batchable(self, deliverables: Sequence[Deliverable]) -> Sequence[Deliverable]:
        """Return the first: a webhook takes one event at a time."""
        return deliverables[:1]

    async def send(self, deliverables: Sequence[Deliverable], reached: Collection[str] = ()) -> Outcome:
        """Send the one event. A webhook has one target, so that `reached` says nothing."""
        (event,) = deliverables
        if isinstance(event, Event):
            return await self._channel.send(event)
        return Outcome(kind=OutcomeKind.PERMANENT, reason="not_an_event", detail="a webhook takes events only")

    async def aclose(self) -> None:
        """Close its network."""
        await self._channel.aclose()


def sender_for(
    channel: Channel,
    *,
    redact: Callable[[str], str],
    clock: Callable[[], datetime],
    template_failed: Callable[[str, str, str], None],
) -> MessageSender | WebhookSender:
    """Make the sender of a channel.

    Args:
        channel: its configuration.
        redact: takes secrets out of what the service answers.
        clock: the time, UTC.
        template_failed: called with the channel, the event's id and the reason when a template fails.
    """
    if channel.webhook is not None:
        hook = channel.webhook
        return WebhookSender(
            WebhookChannel(
                name=channel.name,
                url=hook.url,
                secrets=hook.secrets,
                allow_private=hook.allow_private,
                redact=redact,
                clock=clock,
            )
        )
    if channel.url is None:
        raise ValueError(f"channel {channel.name} has neither a URL nor a webhook")
    apprise = AppriseChannel(name=channel.name, url=channel.url, redact=redact)
    return MessageSender(apprise, Renderer(channel.templates), template_failed)
