"""The results that the simulator makes up: the same records in every format, batch and answer."""

import csv
import io
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.brightdata.simulator.results import Selection, body, record


def whole(selection: Selection, records: int, seed: int = 7) -> bytes:
    return b"".join(body(selection, seed, records))


@given(st.integers(0, 2_500))
def test_every_format_has_the_same_records_in_the_announced_number(records: int) -> None:
    as_json = json.loads(whole(Selection(format="json"), records))
    lines = whole(Selection(format="ndjson"), records).decode().split("\n")
    rows = list(csv.DictReader(io.StringIO(whole(Selection(format="csv"), records).decode(), newline="")))
    assert as_json == [record(7, k) for k in range(records)] == [json.loads(line) for line in lines[:-1]]
    assert [row["title"] for row in rows] == [each["title"] for each in as_json]


@given(st.integers(0, 5_000), st.integers(1_000, 3_000))
def test_the_parts_make_up_the_whole(records: int, batch_size: int) -> None:
    parts = Selection(batch_size=batch_size).parts(records)
    texts = [
        whole(Selection(format="ndjson", batch_size=batch_size, part=part), records) for part in range(1, parts + 1)
    ]
    assert b"".join(texts) == whole(Selection(format="ndjson"), records)


def test_a_compressed_answer_is_the_same_after_unpacking() -> None:
    packed = whole(Selection(format="csv", compress=True), 1_500)
    assert zlib.decompress(packed, wbits=31) == whole(Selection(format="csv"), 1_500)


@pytest.mark.parametrize(("records", "batch_size", "parts"), [(0, 1_000, 1), (1_000, 1_000, 1), (1_001, 1_000, 2)])
def test_parts_are_counted(records: int, batch_size: int, parts: int) -> None:
    assert Selection(batch_size=batch_size).parts(records) == parts
