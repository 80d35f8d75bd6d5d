"""The body of a signed webhook: its exact bytes, and that the schema that ships describes it."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.channels.templates.samples import sample_events
from notifier.channels.webhook import classifier
from notifier.channels.webhook.payload import SCHEMA, body_of
from notifier.core.delivery.model import Event
from notifier.core.snapshot.model import Facts, Transition
from notifier.core.snapshot.statuses import names_of

EVENT = Event(
    id="evt_0123456789abcdef0123",
    watch_id="s_1",
    name="Prices, täglich",
    labels={"team": "growth", "env": "live"},
    transition=Transition(
        snapshot_id="s_1",
        revision=2,
        previous="running",
        status="ready",
        names=("ready", "complete"),
        facts=Facts(dataset_id="gd_1", records=10, errors=0, running_time_ms=36_000, collection_duration_ms=36_592),
        observed_at=datetime(2026, 11, 23, 14, 32, 0, 987_654, tzinfo=UTC),
    ),
)

DOCUMENT = (Path(__file__).parents[4] / "docs/webhooks.md").read_text(encoding="utf-8")

KEYWORDS = {
    *("$schema", "$id", "title", "description", "type", "required", "properties", "additionalProperties", "pattern"),
    *("format", "items", "minItems", "minimum"),
}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "null": type(None)}


def flaws(value: Any, schema: dict[str, Any], path: str = "$") -> list[str]:
    """What is wrong with a value: as much of JSON Schema as ours uses, and nothing else may stand in it."""
    assert schema.keys() <= KEYWORDS, path
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(isinstance(value, TYPES[each]) and not isinstance(value, bool) for each in types):
        return [f"{path}: not {types}"]
    found = []
    if isinstance(value, str):
        if not re.search(schema.get("pattern", ""), value):
            found.append(f"{path}: pattern")
        if schema.get("format") == "date-time" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value):
            found.append(f"{path}: format")
    if isinstance(value, int) and value < schema.get("minimum", value):
        found.append(f"{path}: minimum")
    if isinstance(value, list):
        found += [f"{path}: minItems"] if len(value) < schema.get("minItems", 0) else []
        for index, each in enumerate(value):
            found += flaws(each, schema.get("items", {}), f"{path}[{index}]")
    if isinstance(value, dict):
        found += [f"{path}.{key}: missing" for key in schema.get("required", []) if key not in value]
        rest = schema.get("additionalProperties", True)
        for key, each in value.items():
            inner = schema.get("properties", {}).get(key, rest)
            found += flaws(each, {} if inner is True else inner, f"{path}.{key}")
    return found


def test_the_body_is_exactly_this() -> None:
    assert body_of(EVENT) == (
        b'{"type":"snapshot.ready","timestamp":"2026-11-23T14:32:00Z","data":{"event_id":"evt_0123456789abcdef0123",'
        b'"watch":"s_1","name":"Prices, t\\u00e4glich","snapshot_id":"s_1","dataset_id":"gd_1","status":"ready",'
        b'"previous":"running","events":["ready","complete"],"records":10,"errors":0,"error_message":null,'
        b'"duration_ms":36592,"error_codes":{},"observed_at":"2026-11-23T14:32:00Z","late_by_s":0,'
        b'"labels":{"env":"live","team":"growth"}}}'
    )


def test_the_same_event_has_the_same_bytes_in_any_order_and_zone() -> None:
    zone = timezone(timedelta(hours=9))
    again = replace(
        EVENT,
        labels=dict(reversed(list(EVENT.labels.items()))),
        transition=replace(EVENT.transition, observed_at=EVENT.transition.observed_at.astimezone(zone)),
    )
    assert body_of(again) == body_of(EVENT)


def test_the_type_has_the_events_name_and_the_data_the_apis_own_word() -> None:
    transition = replace(EVENT.transition, status="Cancelled", names=names_of("Cancelled", Facts()), facts=Facts())
    body = json.loads(body_of(replace(EVENT, transition=transition)))
    assert (body["type"], body["data"]["status"]) == ("snapshot.canceled", "Cancelled")


def test_error_codes_are_in_it_as_the_api_counts_them() -> None:
    facts = Facts(records=0, errors=5, error_codes=(("dead_page", 3), ("no_peers", 2)))
    body = json.loads(body_of(replace(EVENT, transition=replace(EVENT.transition, facts=facts))))
    assert body["data"]["error_codes"] == {"dead_page": 3, "no_peers": 2}
    assert flaws(body, json.loads(SCHEMA)) == []


def test_every_kind_of_event_matches_the_schema() -> None:
    for event in sample_events():
        assert flaws(json.loads(body_of(event)), json.loads(SCHEMA)) == [], event


counts = st.none() | st.integers()


@given(
    status=st.text(min_size=1),
    name=st.text(),
    labels=st.dictionaries(st.text(), st.text()),
    facts=st.builds(Facts, dataset_id=st.none() | st.text(), records=counts, errors=counts, error_message=st.text()),
    observed_at=st.datetimes(timezones=st.just(UTC)),
    late_by=st.timedeltas(min_value=timedelta(0)),
)
def test_any_event_matches_the_schema(
    status: str, name: str, labels: dict[str, str], facts: Facts, observed_at: datetime, late_by: timedelta
) -> None:
    transition = replace(
        EVENT.transition,
        status=status,
        names=names_of(status, facts),
        facts=facts,
        observed_at=observed_at,
        late_by=late_by,
    )
    body = body_of(replace(EVENT, name=name, labels=labels, transition=transition))
    assert body.isascii()
    assert flaws(json.loads(body), json.loads(SCHEMA)) == []
    assert json.loads(body)["data"]["labels"] == labels


def test_the_schema_describes_every_field_and_no_other() -> None:
    schema, body = json.loads(SCHEMA), json.loads(body_of(EVENT))
    data = schema["properties"]["data"]
    assert list(schema["properties"]) == schema["required"] == list(body)
    assert list(data["properties"]) == data["required"] == list(body["data"])


def test_the_schema_lets_fields_be_added() -> None:
    body = json.loads(body_of(EVENT))
    body["more"] = body["data"]["more"] = {"anything": [True, 1.5]}
    assert flaws(body, json.loads(SCHEMA)) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [("records", "10"), ("events", []), ("late_by_s", -1), ("observed_at", "today"), ("labels", {"a": 1})],
)
def test_the_schema_refuses_what_is_wrong(key: str, value: object) -> None:
    body = json.loads(body_of(EVENT))
    body["data"][key] = value
    assert len(flaws(body, json.loads(SCHEMA))) == 1


def test_the_documented_example_has_the_fields_of_a_real_one_in_their_order() -> None:
    found = re.search(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found is not None
    example, body = json.loads(found[1]), json.loads(body_of(EVENT))
    assert flaws(example, json.loads(SCHEMA)) == []
    assert list(example) == list(body)
    assert list(example["data"]) == list(body["data"])


def test_every_reason_is_documented() -> None:
    source = Path(classifier.__file__).read_text(encoding="utf-8")
    words = set(re.findall(r'(?:reason=|OutcomeKind\.[A-Z]+, )"([a-z_]+)"', source))
    assert len(words) >= 10
    assert {word for word in words if f"`{word}`" not in DOCUMENT} == set()
