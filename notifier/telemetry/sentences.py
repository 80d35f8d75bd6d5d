"""Sentences for log events, by event name.

A field of a sentence may have a format, and a text before and after it that appears only if the field is not empty:
`{detail:|: }` is ": no route" or nothing, `{lasted_s:span|, after }` is ", after 2 min". The formats are:

- `span`: seconds as a duration, "2 min 5 s"
- `clock`: an ISO time in the reader's time zone, with the day if it is not today
- `words`: a constant such as `http_410` or `read_timeout` as words
- `api`: the state of Bright Data's API as words
- `shift`: seconds by which the clock was set, "ahead by 1 h"
- `count NOUN PLURAL`: a number with its noun
"""

import string
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from notifier.core.words import count, safe, span

SENTENCES: Mapping[str, str] = {
    "action.done": "{action:words}: {subject} ({origin}){detail:|: }",
    "action.not_noted": "Not in the history, because the database cannot be written: {actions}, by {origin}: {error}",
    "api.recovered": "Bright Data answers again{lasted_s:span|, after }",
    "api.trouble": "Bright Data {kind:api}{detail:|: }",
    "channel.broken": "The channel {channel} is broken: {reason:words}{detail:|: }",
    "channel.healed": "The channel {channel} works again",
    "channel.not_configured": (
        "{waiting:count delivery deliveries} wait for the channel {channel}, which is not configured; add it again to "
        "send them"
    ),
    "clock.shifted": "The clock was set {shift_s:shift}",
    "config.not_kept": "Cannot keep a copy of the configuration in {path}, for a start with broken files: {detail}",
    "config.warning": "{text}",
    "control.socket_lost": "Commands cannot reach the daemon: its socket {path} is gone and cannot be made: {detail}",
    "control.socket_made_again": "Made the socket {path} again, which somebody had removed; commands reach the daemon",
    "daemon.last_configuration": "{path} has errors; started with the last configuration without, of {of:clock}",
    "daemon.started": "Started. Watches: {watches}, in progress: {in_progress}, channels: {channels} ({config})",
    "daemon.stopped": "Stopped",
    "daemon.stopping": "Stopping",
    "delivery.called_back": "The clock was wrong: {count:count delivery deliveries} that waited for it are sent now",
    "delivery.dead": "{channel}: delivery given up: {reason:words}{detail:|: } ({event_id})",
    "delivery.delivered": "{channel}: delivered ({event_id})",
    "delivery.dropped": "{channel}: {count:count message messages} not sent ({reason:words})",
    "delivery.hastened": "After the start, {count:count failed_delivery failed_deliveries} tried again",
    "delivery.recovered": (
        "The last run ended while it sent {count:count delivery deliveries}, which may have arrived"
    ),
    "delivery.retrying": "{channel}: not delivered: {reason:words}{detail:|: }{next_try:clock|; next try } "
    "({event_id})",
    "delivery.uncertain": "{channel}: may have been delivered: {reason:words}{detail:|: }{next_try:clock|; next try } "
    "({event_id})",
    "download.called_back": "The clock was wrong: {count:count download downloads} that waited for it continue now",
    "download.fetched": "{snapshot}: {records:count record records} in {path}",
    "download.given_up": "{snapshot}: download given up: {detail}",
    "download.retrying": "{snapshot}: results not downloaded: {detail}{next_try:clock|; next try }",
    "heartbeat.failed": "Heartbeat failed: {detail}",
    "heartbeat.sent": "Heartbeat sent",
    "heartbeat.withheld": "Heartbeat withheld: {detail}",
    "hint.adopted": "{snapshot}: a hint has named it, and it is watched now",
    "hint.taken": "{snapshot}: hint, {result:words}",
    "hint.useless": "{count:count hint hints} led to nothing: {result:words}{snapshot:|, the last of }",
    "http.listening": "Health and metrics: {address}/",
    "http.not_listening": "No health and metrics over HTTP: {address} {detail}",
    "http.off": "HTTP is off",
    "list.agrees": "{dataset}: its list agrees with its snapshots again{lasted_s:span|, after }",
    "list.done": "{dataset}: {entries:count entry entries} in its list, {changed} changed ({duration_s:span})",
    "list.entry_unreadable": "{dataset}: {count:count entry entries} of its list cannot be read: {entries}",
    "list.found": "{dataset}: {found:count new_snapshot new_snapshots} in its list{baseline:plus|, ended before: }",
    "list.stale": "{dataset}: its list is behind: {snapshot} is {status}, and listed as {listed_as}",
    "list.unclear": "{dataset}: no list{detail:| (|)}; polled again",
    "poll.done": "{watch}: {answer:words}, {lag_s:span} late ({duration_s:span})",
    "poll.unclear": "{watch}: no clear answer from Bright Data{detail:| (|)}; polled again",
    "machine.exhausted": "The machine is exhausted: {text}",
    "machine.short": "The machine is exhausted: {text}",
    "reload.done": "Configuration reloaded. Watches: {watches_added} added, {watches_removed} removed, "
    "{watches_changed} changed{channels_added:|; new channels: }{channels_removed:|; channels removed: }"
    "{channels_changed:|; channels changed: }{keys:|; changed: }",
    "reload.needs_restart": "Restart the notifier to apply the change of {keys}",
    "reload.refused": "Configuration refused; the one before stays in use: {problems:list}",
    "report.failed": "Cannot report an internal error in {unit:words}{subject:| (|)}: {error}",
    "schedule.budget": "{text:sentence}",
    "store.recovered": "The database can be used again{lasted_s:span|, after }",
    "store.trouble": "The database cannot be used: {detail}",
    "template.failed": "{channel}: the template failed; sent the plain message instead: {reason} ({event_id})",
    "transition.committed": "{name}: {previous} → {status} ({snapshot}, {event_id})",
    "transition.superseded": "{snapshot}: another poll committed this change already",
    "unit.internal_error": (
        "Internal error in {unit:words}{subject:| (|)}: {error}{next_try_s:span|; tried again in }"
    ),
    "watchdog.fed_again": "Healthy again: the watchdog of the service manager is fed",
    "watchdog.starving": (
        "Unhealthy: {reason}; the watchdog is not fed, and the service manager ends the daemon after {within_s:span}"
    ),
}
"""The sentence of each event. It is used only if the event has every field that the sentence needs."""

_API = {
    "unauthorised": "refuses the token",
    "unreachable": "cannot be reached",
    "rate_limited": "asks for fewer requests (429)",
}


def said(name: str, event: Mapping[str, Any]) -> str | None:
    """Return the sentence of an event; None if there is none, or it lacks a field."""
    sentence = SENTENCES.get(name)
    if sentence is None:
        return None
    try:
        return " ".join(_FORMAT.vformat(sentence, (), event).split())
    except (KeyError, ValueError, TypeError, IndexError, OverflowError):
        return None


def shown(value: Any) -> str:
    """Return a field as text: a list with commas, None as "-", and without characters that break a line."""
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    return safe("-" if value is None else str(value))


class _Format(string.Formatter):
    """Implements the formats. The content of a field is data, never a format."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        way, *around = format_spec.split("|")
        if not around:
            return _in_words(value, way)
        if value in (None, "", [], 0):
            return ""
        return f"{around[0]}{_in_words(value, way)}{around[1] if len(around) > 1 else ''}"


_FORMAT = _Format()


def _in_words(value: Any, way: str) -> str:
    match way.split():
        case ["span"]:
            return span(timedelta(seconds=float(value)))
        case ["shift"]:
            seconds = float(value)
            return f"{'ahead' if seconds > 0 else 'back'} by {span(timedelta(seconds=abs(seconds)))}"
        case ["clock"]:
            return _clock(datetime.fromisoformat(str(value)).astimezone())
        case ["words"]:
            return _words(shown(value))
        case ["api"]:
            return _API.get(str(value), _words(shown(value)))
        case ["list"]:
            return "; ".join(map(shown, value)) if isinstance(value, list | tuple) else shown(value)
        case ["sentence"]:
            text = shown(value)
            return text[:1].upper() + text[1:]
        case ["plus"]:
            return f"{value:,}"
        case ["count", noun, plural]:
            return count(int(value), noun.replace("_", " "), plural.replace("_", " "))
        case _:
            return shown(value)


def _words(constant: str) -> str:
    text = constant.replace("_", " ")
    return f"HTTP {text.removeprefix('http ')}" if text.startswith("http ") else text


def _clock(moment: datetime) -> str:
    today = moment.date() == datetime.now(moment.tzinfo).date()
    return f"{moment:%H:%M:%S}" if today else f"{moment:%Y-%m-%d %H:%M}"
