"""Renders log lines for people: the time, and a sentence (`telemetry.sentences`).

An event without a sentence, such as a library's, is shown with its fields. There are no colours if `NO_COLOR` is set
(https://no-color.org) or `TERM` is `dumb`.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from notifier.core.words import safe
from notifier.telemetry.sentences import said, shown

_OF_STRUCTLOG = frozenset({"event", "level", "timestamp", "exception", "logger"})
_STYLES = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m", "debug": "\x1b[2m"}
_NEWS = "\x1b[36m"
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"


def colours_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a terminal may be sent colours."""
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


class ConsoleLines:
    """Renders a log event as text for people; structlog calls it last.

    Args:
        colours: whether to colour by the level.
    """

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def __call__(self, _logger: Any, _method: str, event: Mapping[str, Any]) -> str:
        """Return the line, with the traceback below it if there is one."""
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
    """Return the sentence, and the fields that it does not contain."""
    if (sentence := said(name, event)) is not None:
        return sentence, ""
    fields = {key: shown(value) for key, value in event.items() if key not in _OF_STRUCTLOG}
    return safe(name), "  ".join(f"{safe(key)}={value}" for key, value in fields.items())


def _style_of(name: str) -> str:
    return _NEWS if name == "transition.committed" else ""


def _clock(event: Mapping[str, Any]) -> str:
    """Return the time of the event in the reader's time zone."""
    try:
        return f"{datetime.fromisoformat(str(event['timestamp'])).astimezone():%H:%M:%S}"
    except (KeyError, ValueError):
        return "--:--:--"
