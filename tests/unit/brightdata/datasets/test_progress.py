"""Every documented and observed answer of the API, and any other, is read into an observation."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifier.brightdata.datasets.progress import (
    LONGEST_MESSAGE,
    MOST_CODES,
    observation_of,
)
from notifier.brightdata.http.answers import LONGEST_DETAIL
from notifier.core.snapshot.model import Facts, NotFound, Observation, Reason, Seen, Unclear
from notifier.core.words import one_line

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def told(status_code: int, body: object = b"", *, secret: str = "", **headers: str) -> Observation:
    return observation_of(
        status_code=status_code,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        now=NOW,
        snapshot_id="s_1",
        secret=secret,
    )


def facts(**body: object) -> Facts:
    seen = told(200, {"status": "ready", **body})
    assert isinstance(seen, Seen)
    return seen.facts


def unclear(observation: Observation) -> Unclear:
    assert isinstance(observation, Unclear)
    return observation


def test_a_running_snapshot_is_seen_with_its_running_time() -> None:
    body = {"status": "running", "snapshot_id": "s_1", "dataset_id": "gd_1", "running_time": 12652}
    assert told(200, body) == Seen(status="running", facts=Facts(dataset_id="gd_1", running_time_ms=12652))


def test_a_ready_snapshot_is_seen_with_its_counts() -> None:
    body = {"status": "ready", "records": 10, "errors": 0, "collection_duration": 36592, "avg_duration_per_input": 1}
    assert told(200, body) == Seen(status="ready", facts=Facts(records=10, errors=0, collection_duration_ms=36592))


@pytest.mark.parametrize("key", ["error_message", "error"])
def test_a_failed_snapshot_is_seen_with_its_reason_under_either_key(key: str) -> None:
    assert told(200, {"status": "failed", key: "Crawl\u0000er died"}) == Seen(
        status="failed", facts=Facts(error_message="Crawl er died")
    )


@pytest.mark.parametrize("word", ["closing", "Ready", "a word never seen", "données"])
def test_any_word_is_a_status_as_it_was_written(word: str) -> None:
    assert told(200, {"status": f" {word}\n"}) == Seen(status=word)


@pytest.mark.parametrize("status", ["", "  ", "x" * 65, "a\x07b", "\ud800", None, 1, True, ["ready"], {}])
def test_what_cannot_be_a_word_is_no_status(status: object) -> None:
    assert unclear(told(200, {"status": status})).reason is Reason.NONSENSE


@pytest.mark.parametrize(
    "body", [b"", b"OK", b"[]", b'"ready"', b'{"status": "rea', b"\xff\xfe\xfd", b"[" * 100_000, b"{}"]
)
def test_a_200_that_is_not_the_documented_object_is_nonsense(body: bytes) -> None:
    assert unclear(told(200, body)).reason is Reason.NONSENSE


def test_an_answer_about_another_snapshot_is_nonsense() -> None:
    assert unclear(told(200, {"status": "ready", "snapshot_id": "s_2"})).reason is Reason.NONSENSE


def test_error_codes_are_sorted_by_count_then_name_and_bounded() -> None:
    assert facts(error_codes={"b": 1, "a": 1, "c": "7", "no": "three", "bad": -1, "flag": True}).error_codes == (
        ("c", 7),
        ("a", 1),
        ("b", 1),
    )
    assert len(facts(error_codes={f"code{k}": k for k in range(500)}).error_codes) == MOST_CODES
    assert facts(error_codes={"x" * 1000: 1}).error_codes[0][0].endswith("…")


@pytest.mark.parametrize(("value", "number"), [("10", 10), (" 10 ", 10), ("10.0", 10), ("0", 0), ("007", 7)])
def test_a_number_in_a_string_is_a_number(value: str, number: int) -> None:
    found = facts(records=value, errors=value, collection_duration=value)
    assert (found.records, found.errors, found.collection_duration_ms) == (number, number, number)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ten",
        "-1",
        "1.5",
        "1e3",
        "0x10",
        "1_000",
        "1,000",
        "12,480",
        "12.480",
        "12.000",
        "12 480",
        "12\u202f480",
        "12'480",
        "9" * 17,
        "٣",
        True,
        None,
        -1,
        1.5,
        2**53 + 1,
        [10],
        {"n": 10},
    ],
    ids=repr,
)
def test_a_count_of_the_wrong_kind_is_left_out(value: object) -> None:
    assert facts(records=value, errors=value).records is None


def test_a_duration_that_no_timedelta_holds_is_left_out() -> None:
    assert facts(collection_duration=2**53, running_time=10**18) == Facts()


def test_an_integer_may_have_a_decimal_point() -> None:
    assert facts(records=10.0).records == 10


def test_a_reason_is_bounded_and_any_encoder_takes_it() -> None:
    message = facts(error_message="\ud800" + "x" * 10_000).error_message
    assert message is not None
    assert len(message) == LONGEST_MESSAGE
    assert message.encode("utf-8")


@pytest.mark.parametrize("body", [b'{"error":"Snapshot not found"}', b"Snapshot does not exist", b""])
def test_a_404_of_the_api_is_not_found(body: bytes) -> None:
    assert told(404, body) == NotFound()


def test_a_404_page_of_a_gateway_does_not_mean_a_missing_snapshot() -> None:
    assert unclear(told(404, b"<p>?</p>", content_type="text/HTML")).reason is Reason.NONSENSE
    assert unclear(told(404, b"\n<!DOCTYPE html><html>")).reason is Reason.NONSENSE


@pytest.mark.parametrize(
    ("status_code", "reason"),
    [
        (401, Reason.UNAUTHORISED),
        (403, Reason.FORBIDDEN),
        (408, Reason.TIMEOUT),
        (429, Reason.RATE_LIMITED),
        (500, Reason.SERVER_ERROR),
        (502, Reason.SERVER_ERROR),
        (599, Reason.SERVER_ERROR),
        (100, Reason.NONSENSE),
        (202, Reason.NONSENSE),
        (204, Reason.NONSENSE),
        (302, Reason.NONSENSE),
        (400, Reason.REFUSED),
        (402, Reason.FORBIDDEN),
        (405, Reason.REFUSED),
        (407, Reason.NONSENSE),
        (409, Reason.NONSENSE),
        (410, Reason.REFUSED),
        (418, Reason.REFUSED),
        (422, Reason.REFUSED),
        (425, Reason.NONSENSE),
        (451, Reason.REFUSED),
        (600, Reason.NONSENSE),
        (0, Reason.NONSENSE),
    ],
)
def test_every_other_status_code_has_its_reason_and_names_itself(status_code: int, reason: Reason) -> None:
    observation = unclear(told(status_code, {"status": "ready"}))
    assert observation.reason is reason
    assert f"HTTP {status_code}" in observation.detail


def test_a_400_of_a_gateway_refuses_nothing() -> None:
    """It does not know what was asked: the address or the network in between is wrong."""
    assert unclear(told(400, b"<html>400 Bad Request</html>", content_type="text/html")).reason is Reason.NONSENSE


def test_the_detail_repeats_what_the_api_said() -> None:
    assert unclear(told(401, {"error": "User authentication is required"})).detail == (
        "HTTP 401: User authentication is required"
    )
    assert unclear(told(401, b"Credentials are missing\n")).detail == "HTTP 401: Credentials are missing"


def test_the_detail_does_not_quote_a_page() -> None:
    assert unclear(told(502, b"<html><h1>oops</h1>")).detail == "HTTP 502 (an HTML page)"


def test_a_secret_that_the_answer_repeats_is_masked_everywhere() -> None:
    secret = "canary/0123456789"
    padding = "x" * (LONGEST_DETAIL - 20)
    for body in (
        {"error": f"bad token {secret}"},
        {"error": f"{padding}{secret}"},
        {"status": "failed", "error_message": "x" * (LONGEST_MESSAGE - 5) + secret},
        {"status": secret, "dataset_id": secret, "error_codes": {secret: 1}},
        {"status": "", "x": f"{secret} canary%2F0123456789"},
    ):
        for status_code in (200, 401, 500):
            assert "canary" not in repr(told(status_code, body, secret=secret, content_encoding=""))


def test_a_word_too_short_to_be_a_secret_is_not_masked() -> None:
    assert told(200, {"status": "ready"}, secret="ready") == Seen(status="ready")


@pytest.mark.parametrize(("status_code", "pause"), [(429, 7), (503, 7), (401, None), (302, None)])
def test_retry_after_counts_only_where_it_means_the_load(status_code: int, pause: int | None) -> None:
    wanted = None if pause is None else timedelta(seconds=pause)
    assert unclear(told(status_code, retry_after="7")).retry_after == wanted


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)
keys = ["status", "snapshot_id", "dataset_id", "records", "errors", "error", "error_message", "error_codes"]
progress_like = st.dictionaries(
    st.sampled_from([*keys, "running_time", "collection_duration"]), json_values | st.just("s_1")
)
bodies = (
    st.binary()
    | json_values.map(lambda value: json.dumps(value).encode())
    | progress_like.map(lambda value: json.dumps(value).encode())
)
headers = st.dictionaries(
    st.sampled_from(["retry-after", "content-type", "content-encoding", "location"]),
    st.text() | st.integers().map(str) | st.datetimes().map(lambda date: date.strftime("%a, %d %b %Y %H:%M:%S GMT")),
)


@given(status_code=st.integers(0, 999) | st.sampled_from([200, 404, 429, 503]), headers=headers, body=bodies)
@example(status_code=200, headers={}, body=b'{"status": "ready", "records": ' + b"9" * 5000 + b"}")
@example(status_code=503, headers={"retry-after": "Mon, 01 Jan 0001 00:00:00 +2359"}, body=b"")
def test_any_answer_is_an_observation(status_code: int, headers: dict[str, str], body: bytes) -> None:
    observation = observation_of(
        status_code=status_code, headers=headers, body=body, now=NOW, snapshot_id="s_1", secret="canary-0123"
    )
    match observation:
        case Seen(status=status, facts=found):
            assert status_code == 200
            assert 1 <= len(status) <= 64
            assert status.isprintable()
            assert repr(found).encode("utf-8")
        case NotFound():
            assert status_code == 404
        case Unclear(detail=detail):
            assert detail
            assert len(detail) <= LONGEST_DETAIL
            assert detail == one_line(detail, LONGEST_DETAIL)  # nothing dangerous is in it
