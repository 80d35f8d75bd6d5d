"""`notifier trigger` prints what it sends before it sends it, and every error of a refusal with its input."""

import json
from pathlib import Path

import pytest
from support.canned_server import Canned
from support.commands import Run

COMMAND = ("trigger", "gd_1", "--no-watch", "--input", "-")
THREE = "url,country\nhttps://a,US\n,\nb,DE\nc,FR\n"
STARTED = '{"snapshot_id": "sd_12345"}'


def refusal(index: int, line: str) -> str:
    pairs = [["url", "Value should match pattern ^https://"], ["country", "Unknown country"]]
    told = {"error": "Invalid input provided", "code": "validation_error", "type": "validation"}
    return json.dumps(told | {"line": line, "index": index, "errors": pairs})


def test_a_summary_is_printed_before_the_request(run: Run, bright_data: Canned) -> None:
    """Excel's semicolons, byte order mark, line ends and empty last rows are understood; the API gets plain CSV."""
    bright_data.answer(200, STARTED)
    excel = b"\xef\xbb\xbf" + b"url;country\r\nhttps://a;US\r\n;\r\nhttps://b;DE\r\n;\r\n;\r\n"
    started = run(*COMMAND, stdin=excel)
    assert (started.exit_code, started.stdout) == (0, "sd_12345\n")
    assert started.stderr == "2 inputs: url, country (3 empty rows left out).\n"
    ((method, path, body),) = bright_data.asked
    assert (method, path) == ("POST", "/datasets/v3/trigger?dataset_id=gd_1")
    assert body == b"url,country\nhttps://a,US\nhttps://b,DE\n"
    data = json.loads(run(*COMMAND, "--json", stdin=excel).stdout)
    assert (data["inputs"], data["fields"], data["left_out"]) == (2, ["url", "country"], 3)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('{"url":"b","country":"DE"}', "input 2 (line 4)"),
        ("", "index 1 as Bright Data counts"),
        ('{"url":"elsewhere"}', 'index 1 as Bright Data counts: {"url":"elsewhere"}'),
        ("{", "index 1 as Bright Data counts: {"),
    ],
)
def test_a_refused_input_is_named_by_what_the_answer_quotes(
    run: Run, bright_data: Canned, line: str, place: str
) -> None:
    """The API does not document whether its index counts from 0 or 1, so the index is shown as it is."""
    bright_data.answer(400, refusal(1, line))
    ended = run(*COMMAND, stdin=THREE)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[1:] == [
        "notifier: nothing was started: HTTP 400: Invalid input provided",
        f"  {place}: url: should match pattern ^https://",
        f"  {place}: country: Unknown country",
    ]


@pytest.mark.parametrize("index", [1, 2])
def test_a_quoted_input_is_found_however_its_index_counts(run: Run, bright_data: Canned, index: int) -> None:
    bright_data.answer(400, refusal(index, '{"url":"b","country":"DE"}'))
    told = json.loads(run(*COMMAND, "--json", stdin=THREE).stdout)
    assert [(each["input"], each["line"], each["index"]) for each in told["errors"]] == [(2, 4, None)] * 2


@pytest.mark.parametrize(("index", "number"), [(0, 1), (1, None), (2, None), (3, 3), (4, None)])
def test_an_index_that_can_count_in_one_way_only_is_believed(
    run: Run, bright_data: Canned, index: int, number: int | None
) -> None:
    """Three inputs as JSON. In CSV it may count the line of names, too, so that no index is sure."""
    bright_data.answer(400, refusal(index, ""))
    told = json.loads(run(*COMMAND, "--json", stdin='[{"url": "a"}, {"url": "b"}, {"url": "c"}]').stdout)
    assert [(each["input"], each["field"]) for each in told["errors"]] == [(number, "url"), (number, "country")]
    told = json.loads(run(*COMMAND, "--json", stdin=THREE).stdout)
    assert [(each["input"], each["index"]) for each in told["errors"]] == [(None, index)] * 2


def test_an_ambiguous_quotation_names_no_input(run: Run, bright_data: Canned) -> None:
    bright_data.answer(400, refusal(1, '{"url": "a"}'))
    ended = run(*COMMAND, stdin='[{"url": "a"}, {"url": "a"}, {"url": "c"}]')
    assert '  index 1 as Bright Data counts: {"url": "a"}: url: should' in ended.stderr


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, '{"validation_errors": ["url is required", "b"]}', ["HTTP 400", "  url is required", "  b"]),
        (400, '{"validation_errors": {"url": ["is required", "b"]}}', ["HTTP 400", "  url: is required", "  url: b"]),
        (
            400,
            '{"errors": [{"index": 0, "message": "no", "field": "url"}, {"index": 0, "errors": [["url", "x"]]}]}',
            ["HTTP 400", "  index 0 as Bright Data counts: url: no", "  index 0 as Bright Data counts: url: x"],
        ),
        (404, "dataset does not exist", ["HTTP 404: dataset does not exist"]),
        (429, f"Too many running jobs: {'x' * 300} end", [f"HTTP 429: Too many running jobs: {'x' * 300} end"]),
        (400, '{"error": ["a"]}', ['HTTP 400: {"error": ["a"]}']),
        (400, "", ["HTTP 400"]),
        (400, "[[[[[[[[[[]]]]]]]]]]", ["HTTP 400: [[[[[[[[[[]]]]]]]]]]"]),
    ],
)
def test_a_refusal_is_printed_completely(
    run: Run, bright_data: Canned, status: int, body: str, said: list[str]
) -> None:
    bright_data.answer(status, body)
    ended = run(*COMMAND, stdin=THREE)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[1:] == [f"notifier: nothing was started: {said[0]}", *said[1:]]


def test_a_long_refusal_is_cut_on_the_terminal_and_complete_in_json(run: Run, bright_data: Canned) -> None:
    """More than 64 KiB of it, with the token in it, and words that would colour a terminal."""
    pairs = [["url", f"fault {k} of \x1b[31m a-token-of-tests"] for k in range(5_000)]
    bright_data.answer(400, json.dumps({"error": "Invalid input provided", "errors": pairs}))
    ended = run(*COMMAND, stdin=THREE)
    lines = ended.stderr.splitlines()
    assert len(lines) == 23
    assert lines[2] == "  url: fault 0 of [31m ***"
    assert lines[-1] == "  and 4,980 more; --json shows all"
    as_json = run(*COMMAND, "--json", stdin=THREE)
    told = json.loads(as_json.stdout)
    assert (as_json.exit_code, told["snapshot"], len(told["errors"])) == (1, None, 5_000)
    assert told["answer"]["error"] == "Invalid input provided"
    assert "a-token-of-tests" not in as_json.output


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, "", "HTTP 200, but no snapshot's id: an empty answer"),
        (200, "[]", "HTTP 200, but no snapshot's id: []"),
        (202, '{"status": "starting"}', "HTTP 202, but no snapshot's id"),
        (200, '{"snapshot_id": "../x"}', "HTTP 200, but no snapshot's id"),
        (200, '{"snapshot_id": null}', "HTTP 200, but no snapshot's id"),
        (204, "", "HTTP 204, but no snapshot's id"),
        (500, "oops", "HTTP 500: oops"),
    ],
)
def test_without_an_id_it_is_not_known_whether_it_was_started(
    run: Run, bright_data: Canned, status: int, body: str, said: str
) -> None:
    bright_data.answer(status, body)
    ended = run(*COMMAND, stdin=THREE)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "it is not known whether a collection was started" in ended.stderr
    assert said in ended.stderr
    assert len(bright_data.asked) == 1


@pytest.mark.parametrize("body", ["", "[]", " \n", "{}", "null"])
def test_a_scrape_without_records_says_so(run: Run, bright_data: Canned, body: str) -> None:
    bright_data.answer(200, body)
    ended = run(*COMMAND, "--scrape", stdin=THREE)
    assert (ended.exit_code, ended.stdout) == (1, body)
    assert ended.stderr.splitlines()[-1] == "notifier: Bright Data answered with no records"


def test_a_scrape_that_goes_on_is_a_snapshot_also_under_200(run: Run, bright_data: Canned) -> None:
    bright_data.answer(200, '{"snapshot_id": "sd_12345", "message": "It takes longer than a minute"}')
    assert run(*COMMAND, "--scrape", stdin=THREE).stdout == "sd_12345\n"
    bright_data.answers[:] = []
    bright_data.answer(200, '{"snapshot_id": "sd_12345", "price": 3}')  # a record that has such a field
    assert json.loads(run(*COMMAND, "--scrape", stdin=THREE).stdout)["price"] == 3


def test_a_dry_run_sends_nothing_and_says_what_would_be_sent(run: Run, bright_data: Canned) -> None:
    ended = run(*COMMAND, "--dry-run", "--type", "discover_new", stdin=THREE)
    assert ended.exit_code == 0
    assert ended.stdout.splitlines() == [
        "Nothing was sent. It would be 3 inputs: url, country (1 empty row left out).",
        f"POST {bright_data.url}/datasets/v3/trigger?dataset_id=gd_1&type=discover_new",
        "Content-Type: text/csv, 35 bytes",
        'The first input: {"url": "https://a", "country": "US"}',
    ]
    told = json.loads(run(*COMMAND, "--dry-run", "--json", stdin=THREE).stdout)
    assert told == {
        "dry_run": True,
        "dataset": "gd_1",
        "url": f"{bright_data.url}/datasets/v3/trigger",
        "query": {"dataset_id": "gd_1"},
        "content_type": "text/csv",
        "bytes": 35,
        "inputs": 3,
        "fields": ["url", "country"],
        "left_out": 1,
        "first": {"url": "https://a", "country": "US"},
    }
    assert bright_data.asked == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--param", "dataset_id=gd_2"], "--param: name the dataset by the argument DATASET"),
        (["--param", "Dataset_ID=gd_2"], "--param: name the dataset by the argument DATASET"),
        (["--param", " DATASET-ID =gd_2"], "--param: name the dataset by the argument DATASET"),
        (["--type", "a", "--param", "Type=b"], "--param: Type is given twice"),
        (["--param", "x"], "'x' is not KEY=VALUE"),
        (["--type", "a", "--param", "type=b"], "--param: type is given twice"),
        (["--endpoint", "example.com"], "--endpoint: 'example.com' is no URL"),
        (["--notify-url", ""], "--notify-url: '' is no URL"),
    ],
)
def test_contradictory_options_are_refused_before_the_request(
    run: Run, bright_data: Canned, arguments: list[str], said: str
) -> None:
    ended = run(*COMMAND, *arguments, stdin=THREE)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert bright_data.asked == []


def test_the_name_of_the_watch_is_checked_before_the_request(run: Run, bright_data: Canned, config: Path) -> None:
    ended = run("trigger", "gd_1", "--input", "-", "--name", "a\nb", "--config", str(config), stdin=THREE)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "--name: " in ended.stderr
    assert bright_data.asked == []


def test_a_file_that_is_too_large_is_refused_before_it_is_read(run: Run, bright_data: Canned, tmp_path: Path) -> None:
    """One byte more than 64 MiB, of which the disk holds none."""
    with (tmp_path / "in.csv").open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    ended = run("trigger", "gd_1", "--input", "in.csv", "--no-watch")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr == (
        "notifier: --input: in.csv is larger than 64 MiB: split it, and start several collections\n"
    )
    assert bright_data.asked == []


def test_a_malformed_input_file_is_reported_with_its_place(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("url,country\na,US\nb\n")
    ended = run("trigger", "gd_1", "--input", "in.csv", "--no-watch")
    assert ended.exit_code == 2
    assert ended.stderr == "notifier: --input: in.csv:3: 1 value, and the first line names 2\n"


ODD = {
    "a number of 5,000 digits": "9" * 5_000,
    "NaN": "NaN",
    "minus infinity": "-Infinity",
    "a lone surrogate": '"\\ud800"',
    "a control character": '"a\x01b"',
    "deep nesting": "[" * 40 + "]" * 40,
    "nesting beyond what prints": "[" * 400 + "]" * 400,
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_the_id_of_what_was_started_is_read_whatever_stands_beside_it(run: Run, bright_data: Canned, odd: str) -> None:
    """It is billed."""
    bright_data.answer(200, f'{{"snapshot_id": "sd_12345", "other": {odd}}}')
    started = run(*COMMAND, stdin=THREE)
    assert (started.exit_code, started.stdout) == (0, "sd_12345\n")


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_wrong_with_the_inputs_is_read_whatever_stands_beside_it(
    run: Run, bright_data: Canned, odd: str
) -> None:
    refused = f'{{"error": "Invalid input", "other": {odd}, "line": {odd}, "index": {odd}, "errors": [["url", "no"]]}}'
    bright_data.answer(400, refused)
    ended = run(*COMMAND, stdin=THREE)
    assert ended.exit_code == 1
    assert "url: no" in ended.stderr
    data = json.loads(run(*COMMAND, "--json", stdin=THREE).stdout, parse_constant=pytest.fail)
    assert [each["text"] for each in data["errors"]] == ["no"]


@pytest.mark.parametrize("depth", [100, 900, 100_000])
@pytest.mark.parametrize(
    "where", ["{}", '{{"errors": {}}}', '{{"errors": {{"url": {}}}}}', '{{"line": {}, "error": "no"}}']
)
def test_a_deeply_nested_refusal_is_printed_as_text(run: Run, bright_data: Canned, where: str, depth: int) -> None:
    bright_data.answer(400, where.format("[" * depth + "]" * depth))
    ended = run(*COMMAND, stdin=THREE)
    assert ended.exit_code == 1
    assert "nothing was started: HTTP 400" in ended.stderr
    assert "Traceback" not in ended.stderr + str(ended.exception or "")
    assert json.loads(run(*COMMAND, "--json", stdin=THREE).stdout)["snapshot"] is None
