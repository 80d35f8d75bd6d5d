"""One flawed entry of a list affects only itself, and is reported; the page of 5,000 around it is read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.edge_values import dates, numbers, texts
from support.fakes import START

from notifier.brightdata.datasets.list_pages import SLICE, entries_of, read
from notifier.brightdata.datasets.progress import observation_of
from notifier.brightdata.http.lenient_json import elements_of, json_of
from notifier.core.snapshot.model import Reason, Seen, Unclear

GOOD = [b'{"id":"s_%d","status":"running","created":"2026-11-07T05:31:56Z"}' % number for number in range(5_000)]

LOST = {
    "lone surrogate in the id": rb'{"id":"s_\ud800","status":"running"}',
    "control character in the id": b'{"id":"s_\x01","status":"running"}',
    "control character in the status": b'{"id":"s_bad","status":"run\x00ning"}',
    "lone surrogate in the status": rb'{"id":"s_bad","status":"\udfff"}',
    "nested too deeply": b'{"id":"s_bad","status":"running","input":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "no JSON": b'{"id":"s_bad","status":undefined}',
    "single quotes": b"{'id':'s_bad'}",
    "nothing": b"",
    "NaN itself": b"NaN",
    "no status": b'{"id":"s_bad"}',
    "broken UTF-8 in the id": b'{"id":"s_\xff\x1b","status":"running"}',
}
"""Entries that cannot be read, by their flaw."""

KEPT = {
    "NaN for a number": b'{"id":"s_bad","status":"running","dataset_size":NaN}',
    "infinity for a number": b'{"id":"s_bad","status":"running","dataset_size":-Infinity}',
    "a number of 5,000 digits": b'{"id":"s_bad","status":"running","dataset_size":%s}' % (b"9" * 5_000),
    "control character elsewhere": b'{"id":"s_bad","status":"running","trigger":{"user":"a\x00\n]}"}}',
    "lone surrogate elsewhere": rb'{"id":"s_bad","status":"running","input":"\ud800"}',
    "broken UTF-8 elsewhere": b'{"id":"s_bad","status":"running","input":"\xff\xfe"}',
    "brackets in a text": rb'{"id":"s_bad","status":"running","dataset_size":NaN,"input":"]}\"],[{"}',
}
"""Entries of which all that is needed can be read."""


def page(flawed: bytes, place: int) -> bytes:
    """Returns a page with the flawed entry at that place."""
    return b"[" + b",".join([*GOOD[:place], flawed, *GOOD[place:]]) + b"]"


@pytest.mark.parametrize("place", [0, 2_500, 5_000])
@pytest.mark.parametrize("flawed", LOST.values(), ids=LOST)
def test_an_unreadable_entry_affects_only_itself_and_is_reported(flawed: bytes, place: int) -> None:
    if not flawed and place == 5_000:
        return  # a comma before the end is no entry
    entries = entries_of(page(flawed, place))
    assert not isinstance(entries, Unclear)
    found = read(entries, "", START)
    assert len(found.found) == 5_000
    assert len(found.unreadable) == 1
    [name] = found.unreadable
    assert name.isprintable()
    assert len(name) <= 120


@pytest.mark.parametrize("flawed", KEPT.values(), ids=KEPT)
def test_an_entry_with_a_flaw_in_an_unused_field_is_read(flawed: bytes) -> None:
    entries = entries_of(page(flawed, 2_500))
    assert not isinstance(entries, Unclear)
    found = read(entries, "", START)
    assert len(found.found) == 5_001
    assert ("s_bad", "running") in [(each.snapshot_id, each.status) for each in found.found]
    assert found.unreadable == ()


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"NaN", b"[", b'[{"id":"s_1","status":"running"}', b"[1]]", b'["', b"[{]", b"<html>"], ids=repr
)
def test_anything_but_an_array_is_unclear_as_a_whole(body: bytes) -> None:
    """A page that breaks off too: nobody knows what was behind it."""
    entries = entries_of(body)
    assert isinstance(entries, Unclear)
    assert entries.reason is Reason.NONSENSE


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(json_values, max_size=6), st.sampled_from([(",", ":"), (" , ", " : "), ("\n,\t", ":")]))
def test_the_elements_of_any_array_are_found(values: list[object], separators: tuple[str, str]) -> None:
    body = json.dumps(values, separators=separators).encode()
    assert [json_of(each) for each in elements_of(body)] == json.loads(body) or "NaN" in body.decode()
    assert len(list(elements_of(b"\xef\xbb\xbf " + body + b"\n"))) == len(values)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    entries = entries_of(b"[" + body + b"]")
    if not isinstance(entries, Unclear):
        read(entries[:SLICE], "canary-0123", START)


@given(records=numbers, created=dates, message=texts, other=st.binary(max_size=20))
def test_a_flaw_in_an_answer_costs_the_fact_and_not_the_status(
    records: object, created: object, message: object, other: bytes
) -> None:
    """Raw bytes in a text among them: broken UTF-8 and control characters."""
    raw = other.replace(b'"', b"").replace(b"\\", b"")
    facts = json.dumps({"status": "ready", "records": records, "created": created, "error_message": message}).encode()
    body = facts[:-1] + b',"input":"' + raw + b'"}'
    seen = observation_of(status_code=200, headers={}, body=body, now=START)
    assert isinstance(seen, Seen)
    assert seen.status == "ready"
    assert seen.facts.records is None or 0 <= seen.facts.records <= 2**53
