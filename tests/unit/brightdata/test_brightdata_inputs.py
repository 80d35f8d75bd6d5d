"""What a collection is started with: read in all its forms, and refused before anything is billed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.brightdata.inputs import InputFormat, read_inputs
from notifier.brightdata.simulator.endpoints import inputs as simulated

ENTRIES = [{"url": "https://example.com/1"}, {"url": "https://example.com/ü"}]
JSON = json.dumps(ENTRIES).encode()
NDJSON = b"\n\n".join(json.dumps(entry).encode() for entry in ENTRIES)
CSV = "url\nhttps://example.com/1\nhttps://example.com/ü\n".encode()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (JSON, "in.json"),
        (JSON, "-"),
        (json.dumps({"input": ENTRIES}).encode(), "in.json"),
        (json.dumps({"input": ENTRIES}, indent=2).encode(), ""),
        (NDJSON, "in.ndjson"),
        (NDJSON, "in.JSONL"),
        (NDJSON, ""),
        (CSV, "in.csv"),
        (CSV, ""),
        (b"\xef\xbb\xbf" + CSV, "in.txt"),
    ],
)
def test_every_form_is_read_by_its_name_or_its_content_and_taken_by_the_api(content: bytes, name: str) -> None:
    found = read_inputs(content, name=name)
    assert found.number == 2
    assert simulated(found.content_type, found.body) == ENTRIES


def test_a_named_format_wins_over_the_files_ending() -> None:
    assert read_inputs(NDJSON, name="in.csv", kind=InputFormat.NDJSON).content_type == "application/json"


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"", "in.json", "empty"),
        (b"  \n", "", "empty"),
        (b"[]", "", "no entry"),
        (b'{"input": []}', "in.json", "no entry"),
        (b'{"inputs": [{}]}', "in.json", "array of objects"),
        (b'[{"a": 1},\n{"b" 2}]', "in.json", "line 2, column 6"),
        (b"[1]", "in.json", "entry 1"),
        (b'{"a": 1}\n{"b": }', "in.ndjson", "line 2"),
        (b'{"a": 1}\n2', "in.ndjson", "line 2"),
        (b"url\n", "in.csv", "nothing to collect"),
        (b"a,b\n1,2\n1,2,3\n", "in.csv", "line 3: 3 values"),
        (b'a\n"x', "in.csv", "not CSV"),
        (b"\xff\xfe", "in.json", "not UTF-8"),
        (b"[" * 100_000, "in.json", "not JSON"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(content: bytes, name: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_inputs(content, name=name)


@given(st.binary(max_size=200), st.sampled_from(["", "a.json", "a.ndjson", "a.csv"]))
def test_no_content_makes_another_error(content: bytes, name: str) -> None:
    try:
        found = read_inputs(content, name=name)
    except ValueError:
        return
    assert found.number > 0
