"""Renders messages again, in the words in which they are sent: for commands, the API and pages.

Messages are not stored. They follow the present configuration, without its secrets.
"""

from collections.abc import Callable, Sequence

from notifier.channels.apprise.channel import AppriseChannel
from notifier.channels.templates.render import ANYTHING, AsWritten, MessageService, Renderer
from notifier.channels.webhook.payload import body_of
from notifier.config.model import Channel, Config
from notifier.core.delivery.digest import digest
from notifier.core.delivery.message_text import message
from notifier.core.delivery.model import Deliverable, Event, Notice
from notifier.core.resource_parts import MessageResource


def renderer_of(config: Config) -> Callable[[str, Sequence[Deliverable]], MessageResource]:
    """Return what renders one message to a channel of a configuration, by its name, about these deliverables.

    For a channel that is no longer configured it is the plain message of the first one.
    """

    def render(name: str, deliverables: Sequence[Deliverable]) -> MessageResource:
        channel = config.channels.get(name)
        return plain(deliverables[0]) if channel is None else rendered(channel, deliverables)

    return render


def plain(deliverable: Deliverable) -> MessageResource:
    """Return the message about an event or a notice as it is without a template and without limits."""
    text = message(deliverable)
    return MessageResource(title=text.title, body=text.body)


def rendered(channel: Channel, deliverables: Sequence[Deliverable]) -> MessageResource:
    """Return one message to a channel about these; a webhook gets JSON, and no title.

    If the channel's URL cannot be used, the message is as for a service without limits; if a template cannot be used,
    it is the plain one.
    """
    first = deliverables[0]
    if channel.webhook is not None and isinstance(first, Event):
        return MessageResource(title=None, body=body_of(first).decode("ascii"))
    try:
        service: MessageService = AppriseChannel(name=channel.name, url=channel.url or "", redact=str)
    except ValueError:
        service = ANYTHING
    if len(deliverables) > 1 or isinstance(first, Notice):
        text = digest(deliverables, service.fits)
    else:
        try:
            text, _ = Renderer(channel.templates).render(first, AsWritten(service.fits))
        except ValueError:
            text = message(first)
    return MessageResource(title=text.title, body=text.body)
