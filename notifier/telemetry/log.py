"""Logs: structlog over the standard library's root logger, so that libraries' lines take the same way.

Every line passes the redactor last but for its rendering, whoever wrote it. On a terminal lines are text for people,
elsewhere one JSON object each. Event names are constant and dotted; all that varies stands in fields.
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
    "apprise": logging.CRITICAL,  # logs whole URLs with their secrets; what it says of a failure is in the attempt
    "urllib3": logging.CRITICAL,
    "apscheduler": logging.CRITICAL,  # job failures end the daemon and are told there
}
"""The least level at which a line may pass, by the first part of its logger's name; WARNING for any other library."""

_CONSTANT = frozenset({"level", "timestamp", "_record", "_from_structlog"})
"""Fields that hold nothing from outside. Of our own events, neither do the event and the names of the fields."""
_NAMES = _CONSTANT | {"event", "logger", "exception"}
"""The names of fields that a renderer looks for."""


def configure(*, level: str, redactor: Redactor, stream: TextIO | None = None, json: bool | None = None) -> None:
    """Send all logs of the process to one stream.

    Args:
        level: the least level shown: debug, info, warning or error. Libraries are held to levels of their own.
        redactor: takes the secrets out.
        stream: where to, standard error unless given.
        json: whether lines are JSON; unless given, when the stream is not a terminal.
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
    # An attempt's detail is taken from Apprise's warnings: it may not depend on what is shown.
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
    """The value without characters that forge or reverse a line; a traceback keeps its line ends."""
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
    """Whether a line may pass: a library's only from its own level up.

    The levels stand here and not on the libraries' loggers, because Apprise collects an attempt's lines from its own.
    """
    return record.levelno >= _LEAST_LEVELS.get(record.name.partition(".")[0], logging.WARNING)
