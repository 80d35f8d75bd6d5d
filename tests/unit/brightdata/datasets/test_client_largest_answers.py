"""The largest answers in their worst shapes: what reading them takes of the event loop is bounded."""

import json
import time
from datetime import UTC, datetime

import pytest

from notifier.brightdata.datasets.client import LARGEST_ANSWER, MOST_LISTED
from notifier.brightdata.datasets.list_pages import LARGEST_PAGE, entries_of, quick_entries_of, read
from notifier.brightdata.datasets.progress import observation_of
from notifier.core.snapshot.model import Reason, Unclear

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
LONGEST_S = 0.25
"""Of the processor; on a quiet machine it takes a tenth of that."""


def filled(begin: bytes, each: bytes, end: bytes, size: int) -> bytes:
    """As many as there is room for."""
    return begin + each * ((size - len(begin) - len(end)) // len(each)) + end


@pytest.mark.parametrize(
    ("begin", "each", "end"),
    [
        (b"[1", b",1", b"]"),
        (b"[{}", b",{}", b"]"),
        (b'{"status":"ready"', b',"a":{}', b"}"),
        (b'{"status":"ready","error_codes":{"a":1', b',"b":2', b"}}"),
        (b"[", b"[", b""),
        (b'{"status":"', b"\\u0000", b'"}'),
        (b'{"status":"ready","error_message":"', b"://", b'"}'),
        (b'{"status":"ready","records":', b"9", b"}"),
        (b"", b"<", b""),
    ],
)
def test_the_largest_progress_answer_is_read_at_once(begin: bytes, each: bytes, end: bytes) -> None:
    body = filled(begin, each, end, LARGEST_ANSWER)
    began = time.thread_time()
    observation_of(status_code=200, headers={}, body=body, now=NOW, snapshot_id="s_1", secret="canary-0123")
    assert time.thread_time() - began < LONGEST_S


@pytest.mark.parametrize("each", [b",1", b",{}", b',{"id":"s_1"}'])
def test_a_page_of_far_more_values_than_entries_is_refused_unread(each: bytes) -> None:
    """8 MiB of them would take 480 MiB, and 0.2 s in one go."""
    began = time.thread_time()
    body = filled(b"[1", each, b"]", LARGEST_PAGE)
    entries = entries_of(body)
    assert quick_entries_of(body) is None
    assert isinstance(entries, Unclear)
    assert entries.reason is Reason.NONSENSE
    assert time.thread_time() - began < LONGEST_S


def test_the_largest_page_that_makes_sense_is_read() -> None:
    extra = {f"field_{number}": "one, two" for number in range(30)}
    page = [{"id": f"s_{number}", "status": "ready", **extra} for number in range(MOST_LISTED)]
    body = json.dumps(page).encode()
    assert len(body) < LARGEST_PAGE
    entries = quick_entries_of(body)
    assert entries is not None
    assert len(read(entries).found) == MOST_LISTED
