"""Every line, whoever wrote it, takes one way: redacted, held to its level, and one JSON object or coloured text."""

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

import notifier
from notifier.core.isolation import Faults
from notifier.core.work_units import Unit
from notifier.telemetry.log import configure
from notifier.telemetry.log_reporter import LogReporter
from notifier.telemetry.redaction import Redactor

SECRET = "canary-7f3a"


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("apprise").setLevel(logging.NOTSET)
    structlog.reset_defaults()


def logged(*, level: str = "debug", json_lines: bool = True) -> io.StringIO:
    """A stream that gets all logs from now on."""
    stream = io.StringIO()
    configure(level=level, redactor=Redactor([SECRET]), stream=stream, json=json_lines)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class Leaky:
    def __repr__(self) -> str:
        return f"Leaky({SECRET})"


@pytest.mark.parametrize("json_lines", [True, False])
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_no_secret_comes_through_whatever_way_it_takes(json_lines: bool, level: str) -> None:
    stream = logged(level=level, json_lines=json_lines)
    ours, theirs = structlog.get_logger("notifier"), logging.getLogger("notifier.sub")
    library = logging.getLogger("some_library")
    for log in (ours, theirs, library):
        for name in ("debug", "info", "warning", "error", "critical"):
            getattr(log, name)(f"text.{SECRET}")
    ours.error("a.name", text=SECRET, nested={"a": [SECRET, SECRET.encode()]}, odd=Leaky(), **{SECRET: 1, "_x": SECRET})
    structlog.contextvars.bind_contextvars(bound=SECRET)
    ours.bind(more=SECRET).error("a.name")
    structlog.contextvars.clear_contextvars()
    theirs.error("with arguments %s %r", SECRET, [SECRET.encode()])
    theirs.error("with more", extra={"token": SECRET}, stack_info=True)
    token = SECRET
    try:
        try:
            raise ValueError(f"inside {token}")
        except ValueError as error:
            raise KeyError(token) from error
    except KeyError:
        ours.exception("a.failure")
        ours.error("a.failure", exc_info=True)
        theirs.exception("failed")
    found = stream.getvalue()
    assert SECRET not in found
    assert found.count("***") > 10
    assert "Traceback" in found
    assert "KeyError" in found


def test_each_line_is_one_json_object_with_its_level_and_time() -> None:
    stream = logged()
    structlog.get_logger("notifier").info("poll.done", text="two\nlines ☃", odd=Leaky())
    logging.getLogger("notifier.sub").warning("said\n%s", "this")
    ours, theirs = lines(stream)
    assert (ours["event"], ours["level"], ours["text"], ours["odd"]) == (
        "poll.done",
        "info",
        "two\nlines ☃",
        "Leaky(***)",
    )
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("said\nthis", "warning", "notifier.sub")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", ours["timestamp"])


@pytest.mark.parametrize("json_lines", [True, False])
def test_nothing_in_a_line_forges_or_reverses_it_and_joiners_stay(json_lines: bool) -> None:
    stream = io.StringIO()
    configure(level="info", redactor=Redactor(), stream=stream, json=json_lines)
    name = "می\u200cخواهم \u202eevil\x1b[2J"
    structlog.get_logger("notifier").info("poll.done", name=name, inside={"names": [name]})
    logged = stream.getvalue()
    if json_lines:
        assert logged.count("می\u200cخواهم  evil [2J") == 2
    assert logged.count("evil [2J") == 2
    assert "\u202e" not in logged
    assert "\x1b[2J" not in logged


def test_a_traceback_stands_inside_its_line() -> None:
    stream = logged()
    try:
        raise ValueError("no")
    except ValueError:
        structlog.get_logger("notifier").exception("a.failure")
    (line,) = lines(stream)
    assert line["exception"].endswith("ValueError: no")


def test_a_level_holds_back_what_is_below_it() -> None:
    stream = logged(level="warning")
    for name in ("debug", "info", "warning", "error"):
        getattr(structlog.get_logger("notifier"), name)(f"of.{name}")
    assert [line["event"] for line in lines(stream)] == ["of.warning", "of.error"]


@pytest.mark.parametrize(
    ("library", "least"),
    [
        ("apprise", logging.CRITICAL),
        ("apprise.plugins", logging.CRITICAL),
        ("urllib3.connectionpool", logging.CRITICAL),
        ("apscheduler.executors.default", logging.CRITICAL),
        ("httpx", logging.WARNING),
        ("aiohttp.access", logging.WARNING),
        ("asyncio", logging.WARNING),
        ("alembic.runtime.migration", logging.WARNING),
        ("sqlalchemy.engine.Engine", logging.WARNING),
        ("requests_oauthlib", logging.WARNING),
        ("never_heard_of", logging.WARNING),
        ("notifier.sub", logging.DEBUG),
    ],
)
def test_a_library_is_held_to_a_level_of_its_own_even_at_debug(library: str, least: int) -> None:
    stream = logged(level="debug")
    levels = [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL]
    for level in levels:
        logging.getLogger(library).log(level, "%d", level)
    assert [int(line["event"]) for line in lines(stream)] == [level for level in levels if level >= least]


@pytest.mark.parametrize("level", ["debug", "error"])
def test_apprise_tells_its_own_listeners_the_same_at_any_level(level: str) -> None:
    """Apprise collects an attempt's lines from its logger; they are what is known of a failure without an answer."""
    logged(level=level)
    stream = io.StringIO()
    listener = logging.StreamHandler(stream)
    logging.getLogger("apprise").addHandler(listener)
    logging.getLogger("apprise").debug("the URL with its secrets")
    logging.getLogger("apprise").warning("error=429")
    logging.getLogger("apprise").removeHandler(listener)
    assert stream.getvalue() == "error=429\n"


def test_standard_error_gets_the_logs_unless_told_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="info", redactor=Redactor())
    structlog.get_logger("notifier").info("daemon.started")
    out, err = capsys.readouterr()
    assert (out, json.loads(err)["event"]) == ("", "daemon.started")


LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log"}


def calls_of_loggers() -> list[tuple[str, ast.expr]]:
    """Every call of a structlog logger in the package: where, and its first argument."""
    found = []
    for path in sorted(Path(notifier.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                logger = ast.unparse(node.func.value)
                if re.fullmatch(r"(self\.)?_?log(ger)?(\.bind\(.*\))?", logger):
                    found.append((f"{path.name}:{node.lineno}", node.args[0]))
    return found


def test_every_event_name_is_constant_dotted_and_lower_case() -> None:
    calls = calls_of_loggers()
    assert len(calls) > 10
    wrong = [
        f"{place}: {ast.unparse(argument)}"
        for place, argument in calls
        if not isinstance(argument, ast.Constant)
        or not re.fullmatch(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+", str(argument.value))
    ]
    assert wrong == []


def test_no_log_call_hides_behind_another_expression() -> None:
    """A method chosen at run time, such as `(log.info if ok else log.warning)(…)`, would escape the test above."""
    hidden = [
        f"{path.name}:{node.lineno}"
        for path in Path(notifier.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.IfExp) and "log" in ast.unparse(node.func)
    ]
    assert hidden == []


@pytest.mark.parametrize("json_lines", [True, False])
def test_no_secret_and_no_local_value_shows_in_the_traceback_of_a_unit(json_lines: bool) -> None:
    stream = logged(json_lines=json_lines)
    with Faults(LogReporter().report).alone(Unit.POLL, f"s_{SECRET}"):
        hidden = "a local value that no log may show"
        raise ValueError(f"the answer repeats {SECRET}, and {len(hidden)} more")
    text = stream.getvalue()
    assert "Traceback" in text
    assert ("unit.internal_error" if json_lines else "Internal error in poll (s_***)") in text
    assert SECRET not in text
    assert "a local value that no log may show" not in text.replace('hidden = "a local value that no log may show"', "")
