"""Resources have one form in JSON."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from notifier.core.json_values import json_bytes, json_value
from notifier.core.resource_parts import DigestResource, MessageResource

AT = datetime(2026, 11, 23, 15, 32, 0, 123_456, timezone(timedelta(hours=1)))


def test_times_are_in_utc_and_tuples_are_lists() -> None:
    assert json_value(DigestResource(at=AT, deliveries=2, ids=(1, 2), titles=("one", "two"))) == {
        "at": "2026-11-23T14:32:00.123Z",
        "deliveries": 2,
        "ids": [1, 2],
        "titles": ["one", "two"],
    }


def test_every_field_is_there_and_null_without_a_value() -> None:
    assert json_value([MessageResource(title=None, body="")]) == [{"title": None, "body": ""}]


@pytest.mark.parametrize("text", ["ü", "\udc80", "\u2028", '"\\'])
def test_any_text_comes_back(text: str) -> None:
    assert json.loads(json_bytes({"text": text})) == {"text": text}


@pytest.mark.parametrize(
    ("value", "error"), [(timedelta(1), TypeError), (object(), TypeError), (float("nan"), ValueError)]
)
def test_what_has_no_form_in_json_is_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        json_bytes({"at": datetime.now(UTC), "value": value})
