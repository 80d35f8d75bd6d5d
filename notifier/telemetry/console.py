"""Log lines for people: the time, what happened in words, and what else is known of it.

An event without words of its own is shown by its name. Colours are left out where `NO_COLOR` is set
(https://no-color.org), where `TERM` is `dumb`, and where nobody asked for them.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from notifier.core.words import safe

_WORDS = {
    "daemon.started": "Started. Watches: {watches}, in progress: {in_progress}, channels: {channels} ({config})",
    "daemon.stopping": "Stopping",
    "daemon.stopped": "Stopped",
    "transition.committed": "{name}: {previous} → {status} ({snapshot}, {event_id})",
    "look.unclear": "{watch}: Bright Data could not tell ({detail}); it is asked again",
    "list.found": "{dataset}: {found} new snapshots in its list",
    "list.unclear": "{dataset}: no list ({detail}); it is asked for again",
    "delivery.delivered": "{channel} was told ({event_id})",
    "delivery.retrying": "{channel} was not told: {reason} {detail}; next try {next_try} ({event_id})",
    "delivery.uncertain": "{channel} may have been told: {reason} {detail} ({event_id})",
    "delivery.dead": "{channel} was not told, and it is given up: {reason} {detail} ({event_id})",
    "delivery.dropped": "{channel}: {count} not told ({reason})",
    "download.fetched": "{snapshot}: {records} records in {path}",
    "download.retrying": "{snapshot}: not fetched: {detail}; next try {next_try}",
    "download.given_up": "{snapshot}: not fetched, and it is given up: {detail}",
    "channel.broken": "{channel} is broken: {reason} {detail}",
    "channel.healed": "{channel} works again",
    "api.trouble": "Bright Data: {kind}: {detail}",
    "api.recovered": "Bright Data answers again, after {lasted_s} s",
    "store.trouble": "The database cannot be used: {trouble}: {detail}",
    "store.recovered": "The database can be used again, after {lasted_s} s",
    "http.listening": "Status page: {address}/",
    "http.not_listening": "No status page: {address}: {detail}",
    "clock.shifted": "The clock was moved by {shift_s} s",
    "reload.done": "The edit is taken up: {watches_added} added, {watches_removed} removed, {watches_changed} changed",
    "reload.refused": "The edit is refused, and the old configuration goes on: {problems}",
    "config.warning": "{text}",
    "schedule.budget": "{text}",
}
"""What is said of an event. It is said so only if the line has every field that the words need."""

_OF_STRUCTLOG = frozenset({"event", "level", "timestamp", "exception", "logger"})
_STYLES = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m", "debug": "\x1b[2m"}
_NEWS = "\x1b[36m"
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"


def colours_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a terminal may be sent colours."""
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


class ConsoleLines:
    """Renders a log event as text for people; structlog calls it last.

    Args:
        colours: whether to colour by the level.
    """

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def __call__(self, _logger: Any, _method: str, event: Mapping[str, Any]) -> str:
        """The line, or lines if there is a traceback."""
        level, name = str(event.get("level", "info")), str(event["event"])
        text, rest = _said(name, event)
        label = f"{level}: " if level in ("warning", "error", "critical") else ""
        line = f"{self._styled(f'{label}{text}', _STYLES.get(level) or _style_of(name))}"
        if rest:
            line = f"{line}  {self._styled(rest, _DIM)}"
        traceback = event.get("exception")
        return "\n".join([f"{_clock(event)}  {line}", *([str(traceback)] if traceback else [])])

    def _styled(self, text: str, style: str) -> str:
        return f"{style}{text}{_PLAIN}" if self._colours and style else text


def _said(name: str, event: Mapping[str, Any]) -> tuple[str, str]:
    """What happened in words, and the fields that the words do not have."""
    fields = {key: _shown(value) for key, value in event.items() if key not in _OF_STRUCTLOG}
    words = _WORDS.get(name)
    if words is not None:
        try:
            return " ".join(words.format_map(fields).split()), ""
        except (KeyError, ValueError, IndexError):
            pass
    return safe(name), "  ".join(f"{safe(key)}={value}" for key, value in fields.items())


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return safe("-" if value is None else str(value))


def _style_of(name: str) -> str:
    return _NEWS if name == "transition.committed" else ""


def _clock(event: Mapping[str, Any]) -> str:
    """The time of the event at the place where it is read."""
    try:
        return f"{datetime.fromisoformat(str(event['timestamp'])).astimezone():%H:%M:%S}"
    except (KeyError, ValueError):
        return "--:--:--"
