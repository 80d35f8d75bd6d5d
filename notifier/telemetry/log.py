"""Sets up logging: structlog over the root logger of the standard library, so that libraries' lines go the same way.

The redactor sees every line just before it is rendered. On a terminal lines are text for people, elsewhere one JSON
object each. Event names are constant and dotted; whatever varies is a field.
"""

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from notifier.core.words import safe
from notifier.telemetry.console import ConsoleLines, colours_wanted
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.sentences import SENTENCES

_LEAST_LEVELS = {
    "notifier": logging.NOTSET,
    "apprise": logging.CRITICAL,  # logs whole URLs with their secrets; the attempt has what it says of a failure
    "urllib3": logging.CRITICAL,
    "apscheduler": logging.CRITICAL,  # a job that fails ends the daemon, which reports it
}
"""The lowest level that passes, by the first part of the logger's name; WARNING for any other library."""

_CONSTANT = frozenset({"level", "timestamp", "_record", "_from_structlog"})
"""Fields without content from outside. In our own events the event name and the field names have none either."""
_NAMES = _CONSTANT | {"event", "logger", "exception"}
"""Field names that a renderer looks for."""


def configure(*, level: str, redactor: Redactor, stream: TextIO | None = None, json: bool | None = None) -> None:
    """Send all logs of the process to one stream.

    Args:
        level: the lowest level shown: debug, info, warning or error. Libraries have levels of their own.
        redactor: masks secrets.
        stream: standard error unless given.
        json: whether lines are JSON; unless given, they are when the stream is no terminal.
    """
    out = stream or sys.stderr
    as_json = not out.isatty() if json is None else json
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]

    def redact(_logger: Any, _method: str, event_dict: EventDict) -> EventDict:
        ours = event_dict.get("event") in SENTENCES
        return {
            key if ours or key in _NAMES else redactor(key): (
                value if key in _CONSTANT or (ours and key == "event") else _readable(redactor.of(value))
            )
            for key, value in event_dict.items()
        }

    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else ConsoleLines(colours=out.isatty() and colours_wanted())
    )
    handler = logging.StreamHandler(out)
    handler.addFilter(_hold_libraries)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[redact, structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # The detail of an attempt comes from Apprise's warnings, so these must not depend on the level shown.
    logging.getLogger("apprise").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _readable(value: Any) -> Any:
    """Return the value without characters that forge or reverse a line; a traceback keeps its line ends."""
    match value:
        case str():
            return "\n".join(safe(line) for line in value.split("\n"))
        case dict():
            return {_readable(key): _readable(each) for key, each in value.items()}
        case list():
            return [_readable(each) for each in value]
        case _:
            return value


def _hold_libraries(record: logging.LogRecord) -> bool:
    """Return whether a line passes: a library's only from its own level up.

    The levels are not set on the libraries' loggers, because Apprise collects the lines of an attempt from its own.
    """
    return record.levelno >= _LEAST_LEVELS.get(record.name.partition(".")[0], logging.WARNING)
