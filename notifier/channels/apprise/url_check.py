"""Checks whether an Apprise URL can be a channel; `config check` and every load of the configuration ask it."""

import re

from apprise import NotifyBase
from apprise.utils.parse import parse_urls

from notifier.channels.apprise.service import asset, instantiate
from notifier.channels.apprise.service_text_limits import ServiceTextLimits
from notifier.channels.apprise.url_advice import advice
from notifier.core.delivery.model import Message

LEAST = Message(title="❌ failed", body="Event: evt_0123456789abcdef0123")
"""The shortest useful message: what happened, and the event's id."""

_SCHEME = re.compile("[a-zA-Z0-9][a-zA-Z0-9+.-]{0,31}")  # one of Apprise's schemes begins with a digit


def check_url(url: str) -> str | None:
    """Returns why a URL cannot be a channel, without quoting it; None if it can.

    Apprise itself gives no reason; `notifier.channels.apprise.url_advice` finds one.
    """
    if len(parse_urls(url)) > 1:  # type: ignore[no-untyped-call]
        return "one channel takes one Apprise URL; make a channel of each and name them all in `notify:`"
    scheme = url.partition("://")[0] if "://" in url else ""
    if not _SCHEME.fullmatch(scheme):
        return "not a URL; an Apprise URL looks like slack://TokenA/TokenB/TokenC or mailto://user:password@example.com"
    service = instantiate(url)
    if service is not None:
        return _unfit(service)
    return advice(url, asset())


def _unfit(service: NotifyBase) -> str | None:
    if service.optional:
        return "`optional=` would call a delivery that failed a success: take it out"
    if not ServiceTextLimits(service).fits(LEAST):
        return "it leaves no room for a message: what its service sends beside the text is too long"
    if service.retry:
        return "`retry=` is not needed, the notifier tries again by itself and for longer: take it out"
    return None
