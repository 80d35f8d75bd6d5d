"""Records on their way to a file: however the bytes are cut, nothing is lost, doubled or miscounted."""

import csv
import gzip
import io
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.brightdata.datasets.gunzip import STEP, Unpacker
from notifier.brightdata.datasets.records import (
    CsvMerger,
    DifferentColumns,
    InvalidRecords,
    NdjsonMerger,
    PartMerger,
    TooLarge,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=12)
RECORDS = st.lists(st.dictionaries(st.sampled_from("abc"), TEXTS | st.integers(), min_size=1), max_size=8)
CUTS = st.lists(st.integers(0, 400), max_size=10)


def pieces(whole: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    return [whole[start:end] for start, end in itertools.pairwise(places)]


def through(joiner: PartMerger, whole: bytes, cuts: list[int]) -> bytes:
    return b"".join(map(joiner.feed, pieces(whole, cuts))) + joiner.end()


@given(st.lists(RECORDS, min_size=1, max_size=3), CUTS, st.booleans())
def test_parts_of_ndjson_become_one_array_wherever_they_are_cut(
    parts: list[list[dict[str, object]]], cuts: list[int], ended: bool
) -> None:
    written, records = b"", 0
    for part in parts:
        whole = "\n".join(json.dumps(each, ensure_ascii=False) for each in part).encode() + (b"\n" if ended else b"")
        joiner = NdjsonMerger(lead=b",\n" if records else b"[\n", between=b",\n")
        written += through(joiner, whole, cuts)
        records += joiner.records
    everything = [each for part in parts for each in part]
    assert records == len(everything)
    assert json.loads((written if records else b"[\n") + b"\n]\n") == everything


@given(st.lists(st.lists(st.tuples(TEXTS, TEXTS), max_size=6), min_size=1, max_size=3), CUTS)
def test_parts_of_csv_become_one_table_wherever_they_are_cut(
    parts: list[list[tuple[str, str]]], cuts: list[int]
) -> None:
    written, header, records = b"", None, 0
    for part in parts:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([("one", "two\nlines"), *part])
        joiner = CsvMerger(header=header)
        written += through(joiner, text.getvalue().encode(), cuts)
        header = joiner.header if header is None else header
        records += joiner.records
    rows = [row for part in parts for row in part]
    found = list(csv.reader(io.StringIO(written.decode(), newline="")))
    assert [tuple(row) for row in found] == [("one", "two\nlines"), *rows]
    assert records == len(rows)


ODD_CSV = st.text(
    st.sampled_from('a,"\n\r') | st.characters(max_codepoint=0x17F, exclude_characters="\r\0"), max_size=60
)


@given(ODD_CSV, CUTS)
def test_the_rows_of_any_csv_are_those_that_the_csv_module_reads_wherever_it_is_cut(text: str, cuts: list[int]) -> None:
    """Quotes in quotes, quotes where none belong, empty rows, and a `\\r` before the end of a row only."""
    text = "h\n" + text.replace("\r", "\r\n")
    joiner = CsvMerger(header=None)
    try:
        written = through(joiner, text.encode(), cuts)
    except InvalidRecords:
        with pytest.raises(csv.Error):  # the text ends within quotes
            list(csv.reader(io.StringIO(text, newline=""), strict=True))
        return
    assert written.decode() == (text if text.endswith("\n") else text + "\n")
    assert joiner.records == sum(1 for row in csv.reader(io.StringIO(text, newline="")) if row) - 1


@given(st.binary(max_size=60) | st.text(st.sampled_from('{} "a,\n\r\t'), max_size=60).map(str.encode), CUTS, CUTS)
def test_any_bytes_give_the_same_records_however_they_are_cut(whole: bytes, one: list[int], other: list[int]) -> None:
    def outcome(joiner: PartMerger, cuts: list[int]) -> tuple[object, ...]:
        try:
            return through(joiner, whole, cuts), joiner.records
        except InvalidRecords as error:
            return type(error), str(error)

    for make in (
        lambda: NdjsonMerger(lead=b"[", between=b","),
        lambda: NdjsonMerger(lead=b"", between=b"\n", largest=9),
        lambda: CsvMerger(header=None),
        lambda: CsvMerger(header=b"a,a"),
    ):
        assert outcome(make(), one) == outcome(make(), other)


@pytest.mark.parametrize(
    ("joiner", "begin", "more"),
    [
        (NdjsonMerger(lead=b"", between=b"\n", largest=1_000_000), b'{"a":"', b"a" * 1_000),
        (NdjsonMerger(lead=b"", between=b"\n", largest=1_000_000), b'{"a":1', b" " * 1_000),
        (CsvMerger(header=None, largest=1_000_000), b'a,b\n1,"', b"\n" * 1_000),
        (CsvMerger(header=None, largest=1_000_000), b'a,b\n1,"', b'""' * 500),
        (CsvMerger(header=None, largest_header=1_000_000), b"a,b,", b"c" * 1_000),
        (CsvMerger(header=None, largest_header=1_000_000), b'a,"', b"\n" * 1_000),
    ],
    ids=["a text", "spaces", "a quoted text", "quotes", "a header", "a quoted name"],
)
def test_a_record_without_an_end_is_refused_at_the_bound(joiner: PartMerger, begin: bytes, more: bytes) -> None:
    joiner.feed(begin)
    for _ in range(998):
        joiner.feed(more)
    with pytest.raises(TooLarge, match=r"(larger|longer) than 1,000,000 bytes"):
        b"".join(map(joiner.feed, [more] * 3))


def test_a_record_of_the_largest_size_is_accepted_and_never_held() -> None:
    joiner = NdjsonMerger(lead=b"[", between=b",", largest=50_000)
    line = b'{"a":"' + b"a" * (50_000 - 8) + b'"}'
    written = []
    for start in range(0, len(line), 1_000):
        written.append(joiner.feed(line[start : start + 1_000]))
        assert sum(map(len, written)) >= start  # what has come is passed on at once
    assert b"".join(written) + joiner.feed(b"\n") == b"[" + line
    assert joiner.records == 1


def test_a_csv_that_ends_within_quotes_is_none() -> None:
    with pytest.raises(InvalidRecords, match="in the middle of a quoted text"):
        through(CsvMerger(header=None), b'a,b\n1,"2', [])


def test_parts_of_csv_with_other_columns_are_not_joined() -> None:
    with pytest.raises(DifferentColumns):
        CsvMerger(header=b"a,b").feed(b"a,c\n1,2\n")


def test_a_csv_without_a_line_end_at_its_end_gets_one() -> None:
    assert through(CsvMerger(header=None), b"a,b\n1,2", []) == b"a,b\n1,2\n"
    assert through(CsvMerger(header=None), b"a,b", []) == b"a,b\n"


@pytest.mark.parametrize("text", [b"<html>\n", b"[1]\n", b'{"a":1\n', b"null"])
def test_what_is_not_an_object_on_each_line_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidRecords):
        through(NdjsonMerger(lead=b"", between=b"\n"), text, [])


@given(st.lists(st.binary(max_size=200), max_size=4), CUTS)
def test_gzip_is_unpacked_wherever_it_is_cut_in_any_number_of_members(members: list[bytes], cuts: list[int]) -> None:
    unpacker = Unpacker(packed=True)
    packed = b"".join(map(gzip.compress, members))
    plain = b"".join(out for piece in pieces(packed, cuts) for out in unpacker.feed(piece)) + unpacker.end()
    assert plain == b"".join(members)


@given(st.binary(max_size=100).filter(lambda plain: plain[:2] != b"\x1f\x8b"), CUTS)
def test_what_is_not_packed_comes_as_it_is(plain: bytes, cuts: list[int]) -> None:
    unpacker = Unpacker(packed=True)
    assert b"".join(out for piece in pieces(plain, cuts) for out in unpacker.feed(piece)) + unpacker.end() == plain


@given(st.integers(1, 40))
def test_gzip_that_is_cut_or_damaged_is_noticed(kept: int) -> None:
    packed = gzip.compress(bytes(range(256)))
    damaged = packed[:kept] if kept > 2 else packed[:2] + b"nonsense, not gzip"

    def unpack() -> bytes:
        unpacker = Unpacker(packed=True)
        return b"".join(unpacker.feed(damaged)) + unpacker.end()

    with pytest.raises(InvalidRecords):
        unpack()


def test_unrequested_gzip_is_refused() -> None:
    with pytest.raises(InvalidRecords, match="not asked for"):
        list(Unpacker(packed=False).feed(gzip.compress(b"{}")))


def test_a_bomb_comes_in_small_pieces() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    unpacked = 0
    for piece in Unpacker(packed=True).feed(bomb):
        assert len(piece) <= STEP
        unpacked += len(piece)
    assert unpacked == 50_000_000
