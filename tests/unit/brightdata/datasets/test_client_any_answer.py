"""For any answer no exception escapes, no transition is invented, and memory stays flat. `make fuzz` tries more."""

import asyncio
import gc
import json
import os
import random
import tracemalloc
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from notifier.brightdata.datasets.client import Client
from notifier.brightdata.datasets.list_pages import entries_of, read
from notifier.brightdata.datasets.progress import observation_of
from notifier.brightdata.http.paths import path_segment
from notifier.brightdata.http.tokens import StaticToken
from notifier.brightdata.limits.limiter import Limiter
from notifier.core.snapshot.model import ListPage, NotFound, Seen, SnapshotState, Unclear
from notifier.core.snapshot.statuses import canonical
from notifier.core.snapshot.transitions import step

CASES = int(os.environ.get("FUZZ_CASES", "2000"))
OVER_A_SOCKET = CASES // 10
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PAUSE = timedelta(seconds=30)
SECRET = "canary-0123"

# Few draws to an example: the time goes into drawing.
LEAVES: list[object] = [
    *[None, True, 0, -1, 10, 2**53, 2**63, 10**400, 1.5, 1e308, float("nan"), float("inf")],
    *[
        "",
        "ready",
        "s_1",
        "..",
        SECRET,
        "\ud800",
        "\x00",
        "a\nb",
        "x" * 3_000,
        "2026-11-07T05:31:56Z",
        "9999-12-31T23:59Z",
    ],
]
leaves = st.sampled_from(LEAVES) | st.text(max_size=5)
keys = st.sampled_from(
    ["id", "snapshot_id", "created", "dataset_id", "dataset_size", "records", "error_codes", "error", "running_time"]
)
json_values = leaves | st.lists(leaves, max_size=2) | st.dictionaries(keys, leaves, max_size=2)
words = st.sampled_from(["ready", "running", "failed", "cancelled", "unknown", "missing", " x ", SECRET]) | st.text(
    max_size=70
)
objects = st.builds(
    lambda status, other: {**other, "status": status}, words, st.dictionaries(keys, json_values, max_size=3)
)
bodies = st.one_of(
    st.binary(max_size=60),
    json_values.map(json.dumps).map(str.encode),
    objects.map(json.dumps).map(str.encode),
    objects.map(json.dumps).map(str.encode),
    st.lists(objects | json_values, max_size=3).map(json.dumps).map(str.encode),
)
codes = st.sampled_from([200, 200, 200, 404, 401, 429, 500]) | st.integers(0, 999)
headers = st.dictionaries(
    st.sampled_from(["retry-after", "content-type", "content-encoding"]),
    st.sampled_from(["", "0", "-1", "9" * 99, "nan", "text/html", "gzip", "Mon, 01 Jan 0001 00:00:00 +2359"])
    | st.text(max_size=9),
    max_size=1,
)
states = st.sampled_from(["unknown", "running", "ready", "missing"]).map(
    lambda status: SnapshotState(snapshot_id="s_1", status=status, revision=int(status != "unknown"), since=NOW)
)


def said(body: bytes) -> object:
    """The status of the JSON object that the body is, by other means than the product's."""
    try:
        found = json.loads(body)
        return found.get("status") if isinstance(found, dict) else None
    except (ValueError, RecursionError):
        return None


@settings(deadline=None, max_examples=CASES // 2, database=None, suppress_health_check=list(HealthCheck))
@given(code=codes, headers=headers, body=bodies, state=states)
def test_no_answer_to_a_poll_invents_a_transition(
    code: int, headers: dict[str, str], body: bytes, state: SnapshotState
) -> None:
    observation = observation_of(
        status_code=code, headers=headers, body=body, now=NOW, snapshot_id="s_1", secret=SECRET
    )
    assert SECRET not in repr(observation)
    after, transitions = step(state, observation, NOW, PAUSE)
    if not transitions:
        assert (after.status, after.revision) == (state.status, state.revision)
        return
    assert code == 200
    assert isinstance(observation, Seen)
    word = said(body)
    assert isinstance(word, str)
    assert SECRET in word or word.strip() == observation.status
    assert canonical(after.status) != canonical(state.status)


@settings(deadline=None, max_examples=CASES // 2, database=None, suppress_health_check=list(HealthCheck))
@given(body=bodies)
@example(body=b'[{"id": "s_1"}, {"id": "s_1", "status": null}, {"id": "s_1", "status": "ready"}]')
def test_any_list_is_read_and_nothing_is_invented(body: bytes) -> None:
    entries = entries_of(body, SECRET)
    if isinstance(entries, Unclear):
        assert SECRET not in entries.detail
        return
    for entry in read(entries, SECRET).found:
        assert path_segment(entry.snapshot_id) is not None
        assert SECRET not in repr(entry)
        stood = [each for each in json.loads(body) if isinstance(each, dict) and each.get("id") == entry.snapshot_id]
        words = [each["status"] for each in stood if isinstance(each.get("status"), str)]
        assert any(SECRET in word or word.strip() == entry.status for word in words)


def any_bytes(dice: random.Random) -> bytes:
    """What a server might send: noise, or an answer with one part or another of it wrong."""
    noise = dice.randbytes(dice.choice([0, 1, 20, 3_000]))
    if dice.random() < 0.2:
        return noise
    if dice.random() < 0.3:
        good = dice.choice([b'{"status":"ready"}', b'[{"id":"s_1","status":"ready"}]'])
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(good), good)
    code = dice.choice([200, 200, 200, 204, 302, 401, 404, 429, 500, dice.randrange(1_000)])
    body = dice.choice(
        [noise, b'{"status":"ready"}', b'[{"id":"s_1","status":"ready"}]', b'{"status":"\\ud800"}', b"[" * 3_000]
    )
    length = dice.choice([len(body), len(body), len(body), 0, len(body) + 5, -1])
    header = dice.choice([b"", b"", b"Retry-After: 0\r\n", b"X: \xff\xfe\r\n", b"Content-Encoding: gzip\r\n", noise])
    return b"HTTP/1.1 %d %s\r\n%sContent-Length: %d\r\n\r\n%s" % (code, noise[:5].hex().encode(), header, length, body)


async def test_any_answer_of_a_server_is_a_value_and_leaves_nothing_behind() -> None:
    dice, answers = random.Random(5), list[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answers.pop())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def instantly(_: float) -> None:
        await asyncio.sleep(0)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    at = 0.0

    def clock() -> float:  # no answer's pause is waited for
        nonlocal at
        at += 400.0
        return at

    limiter = Limiter(requests_per_second=1_000.0, clock=clock, sleep=instantly)
    client = Client(
        base_url=url,
        token=StaticToken(SECRET),
        timeout=timedelta(seconds=0.5),
        limiter=limiter,
        max_connections=5,
    )
    kinds, held = set[str](), list[int]()
    tracemalloc.start()
    try:
        async with server, client:
            for case in range(OVER_A_SOCKET):
                answers[:] = [any_bytes(dice)]
                if case % 2:
                    found: object = await client.observe("s_1")
                else:
                    found = await client.list_page("gd_1", skip=0)
                assert isinstance(found, Seen | NotFound | Unclear | ListPage)
                assert SECRET not in repr(found)
                kinds.add(type(found).__name__)
                if case in (OVER_A_SOCKET // 2, OVER_A_SOCKET - 1):
                    gc.collect()
                    held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert kinds == {"Seen", "NotFound", "Unclear", "ListPage"}
    assert limiter.in_flight == 0
    half, whole = held
    assert whole - half < 300_000, f"{(whole - half) / OVER_A_SOCKET * 2:.0f} bytes a case are kept"
