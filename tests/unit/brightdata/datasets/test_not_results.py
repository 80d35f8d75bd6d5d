"""What Bright Data answers instead of results: never taken for data, and data never taken for it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.brightdata.datasets.not_results import NotReady, Refusal, Refused, no_data, status_instead
from notifier.core.snapshot.model import Reason, Unclear

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BUILDING = {"status": "building", "message": "Snapshot is building, try again in 10s"}


def told(body: object, **headers: str) -> NotReady | Refused | None:
    return status_instead(json.dumps(body).encode(), headers, NOW, "secret-token")


@pytest.mark.parametrize("body", [BUILDING, [BUILDING], BUILDING | {"snapshot_id": "s_1", "dataset_id": "gd_1"}])
def test_an_object_that_reports_progress_means_not_ready(body: object) -> None:
    assert told(body) == NotReady(status="building", retry_after=timedelta(seconds=10))


@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        ({"status": "closing", "message": "Snapshot is not ready yet, try again in 30s"}, {}, 30),
        ({"status": "closing", "error_message": "try again in 30 s"}, {}, 30),
        ({"status": "closing", "message": "soon"}, {}, 10),
        ({"status": "closing", "message": "try again in 0s"}, {}, 1),
        (BUILDING, {"retry-after": "45"}, 45),
    ],
)
def test_its_pause_is_kept(body: object, headers: dict[str, str], seconds: int) -> None:
    said = told(body, **headers)
    assert isinstance(said, NotReady)
    assert said.retry_after == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (
            {"status": "failed", "error_message": "Collector crashed"},
            Refused(refusal=Refusal.OTHER, detail="failed: Collector crashed"),
        ),
        (
            {"status": "cancelled", "message": "with secret-token"},
            Refused(refusal=Refusal.OTHER, detail="cancelled: with ***"),
        ),
        (
            {"status": "failed", "message": "Snapshot is expired"},
            Refused(refusal=Refusal.EXPIRED, detail="failed: Snapshot is expired"),
        ),
    ],
)
def test_an_end_without_results_is_a_refusal(body: object, refused: Refused) -> None:
    assert told(body) == refused
    assert no_data(202, json.dumps(body).encode(), {}, NOW, "secret-token") == refused


@pytest.mark.parametrize(
    "body",
    [
        BUILDING | {"url": "https://example.com"},
        {"status": "active"},
        {"status": "active", "name": "x", "message": "hello"},
        {"status": 200, "message": "hello"},
        {"status": None, "message": "hello"},
        {"message": "hello"},
        [BUILDING, BUILDING],
        [],
        "building",
        None,
    ],
)
def test_anything_else_is_data(body: object) -> None:
    assert told(body) is None


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"status":"building","message":"try again in 10s"}',
        b'{"status":"building","message":"try\tagain in 10s"}',
        b'{"status":"building","message":"caf\xe9, try again in 10s","records":NaN}',
    ],
)
def test_an_answer_with_a_flaw_is_read(body: bytes) -> None:
    assert status_instead(body, {}, NOW, "") == NotReady(status="building", retry_after=timedelta(seconds=10))


@given(st.dictionaries(st.sampled_from(["status", "message", "error_message"]), st.text()), st.text(min_size=1))
def test_a_key_of_its_own_makes_a_record(body: dict[str, str], key: str) -> None:
    assert told(body | {f"my_{key}": 1}) is None


@given(
    st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(lambda each: json.dumps(each).encode())
)
def test_any_bytes_are_handled(body: bytes) -> None:
    assert status_instead(body, {}, NOW, "") is None
    assert isinstance(no_data(202, body, {}, NOW, ""), NotReady | Refused)
    assert isinstance(no_data(400, body, {}, NOW, ""), NotReady | Refused)


def test_nesting_without_end_is_no_object() -> None:
    assert status_instead(b"[" * 60_000, {}, NOW, "") is None


@pytest.mark.parametrize(
    ("status_code", "body", "wanted"),
    [
        (400, b"Snapshot is not ready", NotReady(status="building", retry_after=timedelta(seconds=10))),
        (400, b'{"error":"Snapshot is not ready"}', NotReady(status="building", retry_after=timedelta(seconds=10))),
        (
            409,
            b'{"status":"closing","message":"Snapshot is not ready yet, try again in 30s"}',
            NotReady(status="closing", retry_after=timedelta(seconds=30)),
        ),
        (400, b"Snapshot is expired", Refused(refusal=Refusal.EXPIRED, detail="HTTP 400: Snapshot is expired")),
        (400, b"Snapshot is empty", Refused(refusal=Refusal.EMPTY, detail="HTTP 400: Snapshot is empty")),
        (400, b"Part does not exist", Refused(refusal=Refusal.OTHER, detail="HTTP 400: Part does not exist")),
    ],
)
def test_a_400_not_ready_is_temporary_and_any_other_is_final(
    status_code: int, body: bytes, wanted: NotReady | Refused
) -> None:
    assert no_data(status_code, body, {}, NOW, "") == wanted


def test_a_server_error_is_neither() -> None:
    said = no_data(503, b"Snapshot is not ready", {"retry-after": "3"}, NOW, "")
    assert isinstance(said, Unclear)
    assert (said.reason, said.retry_after) == (Reason.SERVER_ERROR, timedelta(seconds=3))
