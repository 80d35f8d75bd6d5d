"""Checks what only Apprise knows of a channel's URL: whether a service takes it, and leaves room for a message.

`config.values.apprise_url` has checked before that it is one URL, and without the options that a channel cannot have.
"""

from notifier.channels.apprise.service import asset, instantiate
from notifier.channels.apprise.service_text_limits import ServiceTextLimits
from notifier.channels.apprise.url_advice import advice
from notifier.core.delivery.model import Message

LEAST = Message(title="❌ failed", body="Event: evt_0123456789abcdef0123")
"""The shortest useful message: what happened, and the event's id."""


def check_url(url: str) -> str | None:
    """Returns why a URL cannot be a channel, without quoting it; None if it can.

    Apprise itself gives no reason; `notifier.channels.apprise.url_advice` finds one.
    """
    service = instantiate(url)
    if service is None:
        return advice(url, asset())
    if not ServiceTextLimits(service).fits(LEAST):
        return "it leaves no room for a message: what its service sends beside the text is too long"
    return None
