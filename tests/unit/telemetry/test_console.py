"""The log as people read it on a terminal."""

import io
import json
import re

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from notifier.telemetry.console import ConsoleLines
from notifier.telemetry.log import configure
from notifier.telemetry.redaction import Redactor


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def logged(event: str, *, level: str = "info", **fields: object) -> str:
    """What stands on a terminal of one event."""
    stream = Terminal()
    configure(level="debug", redactor=Redactor(["canary-0123"]), stream=stream)
    getattr(structlog.get_logger("notifier"), level)(event, **fields)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


TRANSITION = {"name": "Prices", "previous": "running", "status": "ready", "snapshot": "sd_1", "event_id": "evt_1"}


def test_what_happened_stands_there_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    line = logged("transition.committed", watch="sd_1", channels=["team"], late_s=0.0, **TRANSITION)
    assert re.fullmatch(r"\d\d:\d\d:\d\d  Prices: running → ready \(sd_1, evt_1\)\n", line)
    line = logged("delivery.dead", level="error", channel="team", reason="http_410", detail="gone", event_id="evt_1")
    assert line.endswith("  error: team: delivery given up: HTTP 410: gone (evt_1)\n")


def test_an_event_without_words_is_shown_with_its_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert logged("some.event", level="warning", key=["a", 1], none=None).endswith(
        "  warning: some.event  key=a, 1  none=-\n"
    )
    assert "poll.unclear  watch=s_1" in logged("poll.unclear", watch="s_1")  # a field that its words need is not there


@pytest.mark.parametrize(
    ("variable", "value", "coloured"),
    [("NO_COLOR", "1", False), ("TERM", "dumb", False), ("NO_COLOR", "", True), ("TERM", "xterm", True)],
)
def test_colours_are_left_out_where_they_are_not_wanted(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, coloured: bool
) -> None:
    monkeypatch.setenv(variable, value)
    for level in ("debug", "info", "warning", "error"):
        logged("some.event", level=level, key="value")
    assert ("\x1b[" in logged("transition.committed", **TRANSITION)) is coloured
    assert ("\x1b[" in logged("some.event", level="error", key="value")) is coloured


def test_a_traceback_follows_its_line_and_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    configure(level="info", redactor=Redactor(["canary-0123"]), stream=stream)
    try:
        raise ValueError("canary-0123")
    except ValueError:
        structlog.get_logger("notifier").exception("unit.internal_error", unit="poll")
    first, *rest = stream.getvalue().splitlines()
    assert first.endswith("error: unit.internal_error  unit=poll")
    assert rest[0].startswith("Traceback")
    assert rest[-1] == "ValueError: ***"


@pytest.mark.parametrize("secret", ["t", "event", "info", "level", "transition", "transition.committed", "name"])
@pytest.mark.parametrize("as_json", [True, False])
def test_no_secret_tears_the_names_of_events_and_fields(
    monkeypatch: pytest.MonkeyPatch, secret: str, as_json: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    configure(level="info", redactor=Redactor([secret]), stream=stream, json=as_json)
    structlog.get_logger("notifier").info("transition.committed", **TRANSITION | {"name": f"x {secret} y"})
    shown = "x t y" if secret == "t" else "x *** y"
    if as_json:
        line = json.loads(stream.getvalue())
        assert (line["event"], line["level"], line["name"]) == ("transition.committed", "info", shown)
    else:
        assert stream.getvalue().endswith(f"  {shown}: running → ready (sd_1, evt_1)\n")


def test_joiners_in_names_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Persian, a family and a flag; what reverses a line does not."""
    monkeypatch.setenv("NO_COLOR", "1")
    name = "می\u200cخواهم 👨\u200d👩\u200d👧 🏴\U000e0067\U000e0062\U000e007f"
    assert f"  {name}: running" in logged("transition.committed", **TRANSITION | {"name": name})
    assert f"name={name}" in logged("some.event", name=name)
    assert "  a b: running" in logged("transition.committed", **TRANSITION | {"name": "a\u202eb"})


@given(
    st.sampled_from(["transition.committed", "delivery.dead", "odd{event}", "config.warning"]),
    st.dictionaries(st.sampled_from(["name", "status", "channel", "text", "detail"]), st.text() | st.integers()),
)
def test_whatever_is_in_the_fields_it_is_one_line(name: str, fields: dict[str, object]) -> None:
    line = ConsoleLines(colours=False)(None, "info", {"event": name, "level": "info", **fields})
    assert not set(line) & {"\n", "\r", "\x1b", "\u2028", "\x85"}
