# ruff: noqa: E501 (in the table, one row is one rule)
"""Every event of the log has a sentence for people, made of fields that it has."""

import ast
import string
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import notifier
from notifier.core.snapshot.budget import Budget
from notifier.telemetry.sentences import SENTENCES, said

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
LONG_AGO = datetime(2020, 1, 2, 3, 4, tzinfo=UTC)
LOGS = {"log", "_log"}


@cache
def events() -> dict[str, set[str]]:
    """All events that the program logs, each with the names of the fields that it may have.

    What is given as `**fields` has the keys that stand in the function, or in those of the name that is called for it.
    """
    trees = [ast.parse(path.read_text()) for path in sorted(Path(notifier.__file__).parent.rglob("*.py"))]
    functions = [
        node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    keys: dict[str, set[str]] = defaultdict(set)
    for function in functions:
        keys[function.name].update(_keys(function))
    found: dict[str, set[str]] = defaultdict(set)
    for function in functions:
        for call in _log_calls(function):
            event = call.args[0]
            assert isinstance(event, ast.Constant), f"an event without a constant name in {function.name}"
            fields = found[str(event.value)]
            for each in call.keywords:
                if each.arg is not None:
                    fields.add(each.arg)
                    continue
                fields |= keys[function.name]
                for called in ast.walk(each.value):
                    if isinstance(called, ast.Call) and isinstance(called.func, ast.Attribute):
                        fields |= keys[called.func.attr]
    return found


def _log_calls(function: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
            of = node.func.value
            if (of.id if isinstance(of, ast.Name) else of.attr if isinstance(of, ast.Attribute) else "") in LOGS:
                yield node


def _keys(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        keys: list[ast.expr | None] = []
        if isinstance(node, ast.Dict):
            keys = [*node.keys]
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            keys = [node.slice]
        yield from (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def needed(sentence: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(sentence) if field}


def test_every_event_has_a_sentence_and_every_sentence_an_event() -> None:
    found = events()
    assert len(found) > 50
    assert set(SENTENCES) == set(found)


@pytest.mark.parametrize("name", sorted(SENTENCES))
def test_a_sentence_needs_only_fields_that_its_event_has(name: str) -> None:
    assert needed(SENTENCES[name]) <= events()[name]


def test_a_line_of_the_log_without_a_constant_event_is_found() -> None:
    (call,) = _log_calls(ast.parse("self._log.info(name, a=1)\nmath.log(2)\nother.info('x')"))
    assert not isinstance(call.args[0], ast.Constant)


@pytest.mark.parametrize(
    ("name", "fields", "sentence"),
    [
        ("api.recovered", {"lasted_s": 125.2}, "Bright Data answers again, after 2 min 5 s"),
        ("api.recovered", {"lasted_s": None}, "Bright Data answers again"),
        ("api.trouble", {"kind": "rate_limited", "detail": ""}, "Bright Data asks for fewer requests (429)"),
        ("api.trouble", {"kind": "unreachable", "detail": "HTTP 502"}, "Bright Data cannot be reached: HTTP 502"),
        ("clock.shifted", {"shift_s": -3600.0}, "The clock was set back by 1 h"),
        ("delivery.recovered", {"count": 1}, "The last run ended while it sent 1 delivery, which may have arrived"),
        (
            "delivery.retrying",
            {"channel": "a", "reason": "read_timeout", "detail": "", "next_try": LONG_AGO.isoformat(), "event_id": "e"},
            f"a: not delivered: read timeout; next try {LONG_AGO.astimezone():%Y-%m-%d %H:%M} (e)",
        ),
        ("download.fetched", {"snapshot": "s_1", "records": 12480, "path": "a.json"}, "s_1: 12,480 records in a.json"),
        ("list.found", {"dataset": "gd_1", "found": 1, "baseline": 0}, "gd_1: 1 new snapshot in its list"),
        ("list.found", {"dataset": "gd_1", "found": 0, "baseline": 7}, "gd_1: no new snapshots in its list, ended before: 7"),
        ("reload.refused", {"problems": ["a:1: x", "b:2: y"]}, "Configuration refused; the one before stays in use: a:1: x; b:2: y"),
        (
            "reload.done",
            {"watches_added": 1, "watches_removed": 0, "watches_changed": 2, "channels_added": ["a", "b"], "channels_removed": [], "channels_changed": [], "keys": ["api"]},
            "Configuration reloaded. Watches: 1 added, 0 removed, 2 changed; new channels: a, b; changed: api",
        ),
        ("schedule.budget", {"text": "this watch needs 1 request/s of 10"}, "This watch needs 1 request/s of 10"),
        ("unit.internal_error", {"unit": "list_entry", "subject": "", "error": "KeyError", "next_try_s": None}, "Internal error in list entry: KeyError"),
    ],
)  # fmt: skip
def test_fields_are_shown_as_people_write_them(name: str, fields: dict[str, Any], sentence: str) -> None:
    assert said(name, fields) == sentence


def test_the_budget_is_said_in_words_alone() -> None:
    budget = Budget(watches=2, needed=0.5, available=10.0, every=timedelta(seconds=30))
    assert (
        said("schedule.budget", {"text": budget.sentence(), **budget.fields()})
        == "These 2 watches need 0.5 requests/s of 10"
    )


def test_without_a_field_that_it_needs_there_is_no_sentence() -> None:
    assert said("poll.unclear", {"detail": "x"}) is None
    assert said("clock.shifted", {"shift_s": "much"}) is None
    assert said("a.library", {}) is None


VALUES = st.none() | st.text() | st.integers() | st.floats() | st.booleans() | st.lists(st.text(), max_size=3)


@given(st.data(), st.sampled_from(sorted(SENTENCES)))
def test_whatever_stands_in_its_fields_a_sentence_is_one_line_or_none(data: st.DataObject, name: str) -> None:
    fields = {field: data.draw(VALUES, field) for field in sorted(needed(SENTENCES[name]))}
    sentence = said(name, fields)
    assert sentence is None or not set(sentence) & {"\n", "\r", "\x1b", "\u2028", "\x85"}
