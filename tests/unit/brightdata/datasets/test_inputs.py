"""What a collection is started with: read in all its forms, and refused before anything is billed."""

import csv
import io
import json
import tracemalloc
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from notifier.brightdata.datasets.csv_inputs import NOT_MEANT
from notifier.brightdata.datasets.input_place import InvalidInput
from notifier.brightdata.datasets.inputs import InputFormat, read_inputs
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
def test_every_format_is_recognised_by_name_or_content_and_accepted_by_the_api(content: bytes, name: str) -> None:
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
        (b"[{\xff", "in.json", "line 1, column 3: this byte is not UTF-8"),
        (b"[" * 100_000, "in.json", "not JSON"),
    ],
)
def test_an_error_has_its_place(content: bytes, name: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_inputs(content, name=name)


URLS = [{"url": "https://a", "country": "US"}, {"url": "https://b", "country": "DE"}]


@pytest.mark.parametrize(
    ("content", "left_out"),
    [
        ("url;country\r\nhttps://a;US\r\nhttps://b;DE\r\n".encode("utf-8-sig"), 0),
        (b"sep=;\r\nurl;country\r\nhttps://a;US\r\nhttps://b;DE\r\n", 0),
        (b'"sep=;"\nurl;country\nhttps://a;US\nhttps://b;DE\n', 0),
        (b"sep=\t\nurl\tcountry\nhttps://a\tUS\nhttps://b\tDE\n", 0),
        (b"url\tcountry\nhttps://a\tUS\nhttps://b\tDE", 0),
        ("url\tcountry\r\nhttps://a\tUS\r\nhttps://b\tDE\r\n".encode("utf-16"), 0),
        (b"url|country\nhttps://a|US\nhttps://b|DE\n", 0),
        (b"url,country\rhttps://a,US\rhttps://b,DE\r", 0),
        (b"url,country\r\nhttps://a,US\r\nhttps://b,DE\r\n,\r\n,\r\n", 2),
        (b"url,country\n\nhttps://a,US\n , \nhttps://b,DE\n", 2),
        (b"url,country,,\nhttps://a,US,,\nhttps://b,DE,,\n,,,\n", 1),
        (b"url,country\nhttps://a,US,,\nhttps://b,DE,,\n", 0),
        (b'url, country\n"https://a", "US"\nhttps://b, DE\n', 0),
        (b'"url","country"\n"https://a","US"\n"https://b","DE"\n', 0),
        (b"\n\nurl,country\nhttps://a,US\nhttps://b,DE\n", 0),
    ],
)
def test_a_table_is_read_by_its_dialect_and_sent_in_one(content: bytes, left_out: int) -> None:
    found = read_inputs(content, name="in.csv")
    assert (found.number, list(found.fields), found.left_out) == (2, ["url", "country"], left_out)
    assert found.body == b"url,country\nhttps://a,US\nhttps://b,DE\n"
    assert list(found.entries) == URLS


def test_separators_within_values_are_values() -> None:
    """A semicolon, a pipe and a tab in a URL, a comma and a line end in quotes."""
    found = read_inputs(b'url,note\nhttps://a?x=1;y=2|3,"a, b\nc"\n"https://b\t",x\n', name="in.csv")
    assert [entry["url"] for entry in found.entries] == ["https://a?x=1;y=2|3", "https://b\t"]
    assert found.entries[0]["note"] == "a, b\nc"
    assert list(found.lines) == [2, 4]
    assert list(read_inputs(b"url\nhttps://a?x=1;y=2\n").entries) == [{"url": "https://a?x=1;y=2"}]


@pytest.mark.parametrize(
    "content",
    [
        "product.name\nphone\n",  # a name with a point in it, and no list of hosts below
        "address.city,price/unit\nBerlin,3\n",
        "note\nNaN or nothing\n",
        "keyword\nNan\n",  # a town
    ],
)
def test_unusual_but_possible_input_is_sent(content: str) -> None:
    assert read_inputs(content.encode(), name="in.csv").body == content.encode()


def test_a_table_takes_little_more_memory_than_its_file() -> None:
    """Rows as objects would take some ten times as much: the inputs are made again when they are asked for."""
    rows = (f"https://example.com/dp/{number:010}\n" for number in range(30_000))
    content = "".join(["url\n", *rows]).encode()
    tracemalloc.start()
    try:
        found = read_inputs(content, name="in.csv")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(content)
    assert (found.number, len(found.entries)) == (30_000, 30_000)
    assert found.entries[-1] == {"url": "https://example.com/dp/0000029999"}
    assert [*found.entries][29_998:] == found.entries[29_998:]


def test_a_line_of_ndjson_ends_at_a_line_feed_alone() -> None:
    """U+2028, U+2029 and U+0085 may stand in a string (RFC 8259, 7)."""
    text = "a\u2028b\u2029c\u0085d"
    found = read_inputs(f'{{"url":"{text}"}}\r\n\n{{"url":"2"}}\n'.encode(), name="in.ndjson")
    assert list(found.entries) == [{"url": text}, {"url": "2"}]
    assert list(found.lines) == [1, 3]


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        ("https://a\nhttps://b\n", "in.csv", "line 1: 'https://a' is a value, and the first line has to name"),
        ("https://a\nhttps://b\n", "", "line 1: 'https://a' is a value"),
        ("www.a.com\n", "", "is a value"),
        ("amazon.com/x\namazon.com/y\n", "", "line 1: 'amazon.com/x' is a value"),
        ("\nshop.example.co.uk:8080/a?b=1\n", "in.csv", "line 2: 'shop.example.co.uk:8080/a.b=1' is a value"),
        ("amazon.com\nebay.com\nwww.etsy.com/shop\n", "", "line 1: 'amazon.com' is a value"),
        ("amazon.com/x,US\namazon.com/y,DE\n", "", "'amazon.com/x' is a value"),
        ("ada@example.com\nalan@example.com\n", "", "'ada@example.com' is a value"),
        ("url,price\na,NaN\n", "", "line 2: NaN stands in the column 'price': pandas and Python write it"),
        ("url,price\na,1\nb, nan \n", "", "line 3: nan stands in the column 'price'"),
        ("url,price\na,<NA>\n", "", "line 2: <NA> stands in the column 'price'"),
        ("url;price\na;#N/A\n", "", "line 2: #N/A stands in the column 'price': Excel writes it"),
        ("12345\n23456\n", "", "'12345' is a value"),
        ("https://a,US\nhttps://b,DE\n", "in.csv", "is a value"),
        ("https://a?x=1;y=2,US\n", "in.csv", "is a value"),
        ("url,country;city\n1,2;3\n", "", "line 1: `,` and `;` stand between the names: put a line `sep=,`"),
        ("url,url\n1,2\n", "", "line 1: two columns are called 'url'"),
        ("url, url\n1,2\n", "", "two columns"),
        ("a,b\n1\n", "", "line 2: 1 value, and the first line names 2"),
        ("a,b\n\n1,2\n3,4,5\n", "", "line 4: 3 values, and the first line names 2"),
        ("a,,b\n1,,2\n1,x,2\n", "", "line 3: a value stands in column 2, which has no name"),
        ('a,b\n1,2\n"3,4\n5,6\n', "", "line 3: not CSV"),
        ("a\n\n ,\n", "", "nothing to collect"),
        (",,\n,,\n", "", "nothing to collect"),
        ("sep=;\n", "", "nothing to collect"),
        ("sep=;\nurl;c\nx\n", "", "line 3: 1 value"),
        ('[{"url": "x", "n": NaN}]', "", "line 1, column 20: NaN is not JSON: pandas"),
        ('[{"url": "NaN"},\n {"n": -Infinity}]', "", "line 2, column 8: -Infinity is not JSON"),
        ('{"url": "x"}\n{"n": NaN}\n', "in.ndjson", "line 2, column 7: NaN is not JSON"),
        ('[{"n": 1e999}]', "", "line 1, column 2: entry 1: a number in it is larger"),
        ('[{"a":1},\n {"url": "\\ud800"}]', "", r"line 2, column 2: entry 2: half a character \('\\ud800'\)"),
        ('{"url": "\\udc00x"}\n', "in.ndjson", "line 1: half a character"),
        ('[{"url": 1, "url": 2}]', "", "the key 'url' occurs twice in one object"),
        ('["https://a", "https://b"]', "", 'entry 1: expected an object, such as {"url": "https://a"}'),
        ('{"url": "https://a"}', "in.json", "put brackets around a single object"),
        ('{"url": {"0": "https://a", "1": "b"}}', "in.json", "a table by columns; `df.to_json"),
        ('{"url": "a"}\n{"url": "b"}\n', "in.json", "line 2, column 1: not JSON: extra data; one object on each line"),
        ("3", "in.json", "a JSON array of objects"),
        ('"x"', "in.json", "a JSON array of objects"),
        ("null", "in.json", "a JSON array of objects"),
        ("[{'url': 'x'}]", "", "JSON has double quotes"),
        (f'[{{"n": {"9" * 5_000}}}]', "", "not JSON that can be read"),
    ],
)
def test_plain_mistakes_are_refused_with_their_place_and_the_cure(content: str, name: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told.replace("?", "[?]") if "half" not in told else told) as refused:
        read_inputs(content.encode("utf-8", "surrogatepass"), name=name)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"url\nhttps://a\nM\xfcnchen\n", "line 3, column 2: this byte is not UTF-8"),
        (b"PK\x03\x04whatever", "Excel workbook"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"url\nx\x00y\n", "line 2, column 2: a NUL"),
        (b"\xff\xfeu\x00r\x00l", "not UTF-16"),
        ("url\nx\n".encode("utf-16-le"), "NUL"),
    ],
)
def test_bytes_that_are_no_text_are_refused(content: bytes, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_inputs(content, name="in.csv")


def test_a_place_in_a_file_is_written_as_compilers_do() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_inputs(b'[{"a": 1},\n{"b" 2}]', name="in.json")
    assert refused.value.in_file("in.json") == "in.json:2:6: not JSON: expecting ':' delimiter"


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8).filter(
    lambda text: bool(text.strip()) and text.strip() not in NOT_MEANT
)


@given(
    st.lists(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), min_size=1, max_size=4, unique=True).flatmap(
        lambda names: st.tuples(
            st.just(names), st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), min_size=1, max_size=5)
        )
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from([("\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL)]),
)
def test_anything_a_spreadsheet_saves_is_read_back_unchanged(
    table: tuple[list[str], list[list[str]]], separator: str, written: tuple[str, Literal[0, 1]]
) -> None:
    """With all separators and line ends, and any text in the cells: line ends, quotes, separators."""
    names, rows = table
    # A single column has no separator that tells which one was meant: other separators in its cells must be quoted.
    unquoted = written[1] == csv.QUOTE_MINIMAL and len(names) == 1
    assume(not (unquoted and any(set(cell) & set(",;\t|") - {separator} for (cell,) in rows)))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=written[0], quoting=written[1])
    writer.writerows([names, *rows])
    found = read_inputs(out.getvalue().encode("utf-8-sig"), kind=InputFormat.CSV)
    assert [list(entry.values()) for entry in found.entries] == rows
    assert simulated(found.content_type, found.body) == [dict(zip(names, row, strict=True)) for row in rows]


@given(st.binary(max_size=200), st.sampled_from(["", "a.json", "a.ndjson", "a.csv"]))
def test_no_content_makes_another_error(content: bytes, name: str) -> None:
    try:
        found = read_inputs(content, name=name)
    except ValueError:
        return
    assert found.number > 0
