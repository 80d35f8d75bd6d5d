"""Every message is one event of the standard's format, whatever its texts hold."""

import json
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START

from notifier.web.live.changes import Changes
from notifier.web.live.messages import changed, opening, refresh


def same(value: Any) -> Any:
    return value


def fields(message: bytes) -> dict[str, str]:
    """The fields of the one event."""
    assert message.endswith(b"\n\n")
    lines = message.decode()[:-2].split("\n")
    return dict(line.split(": ", 1) for line in lines)


def test_the_first_message_says_when_to_connect_again() -> None:
    assert fields(opening("hello", "a-1", 2)) == {
        "retry": "2000",
        "event": "hello",
        "id": "a-1",
        "data": '{"pages":2}',
    }


@given(st.text())
def test_a_text_stays_within_its_message(text: str) -> None:
    changes = Changes(topics={f"watch:{text}": None}, said={"watch:s_1": text})
    found = fields(changed(changes, {"watch:s_1": text}, "a-1", 1, redact=same))
    data = json.loads(found["data"])
    assert (data["topics"], data["rows"], data["said"]) == (
        [f"watch:{text}"],
        {"watch:s_1": text},
        {"watch:s_1": text},
    )


def test_the_times_of_polls_are_exact() -> None:
    changes = Changes(polled={"watch:s_1": (START, START + timedelta(seconds=30)), "dataset:gd_1": (START, None)})
    data = json.loads(fields(changed(changes, {}, "a-1", 1, redact=same))["data"])
    assert data["polled"] == {
        "watch:s_1": ["2026-11-23T12:00:00Z", "2026-11-23T12:00:30Z"],
        "dataset:gd_1": ["2026-11-23T12:00:00Z", None],
    }


def test_too_much_is_told_as_a_refresh() -> None:
    changes = Changes(topics={"watches": None}, everything=True)
    assert changed(changes, {}, "a-1", 1, redact=same) == refresh("a-1", 1)


def test_sentences_are_redacted() -> None:
    changes = Changes(said={"watch:s_1": "hunter2"})
    message = changed(changes, {}, "a-1", 1, redact=lambda said: dict.fromkeys(said, "***"))
    assert b"hunter2" not in message
