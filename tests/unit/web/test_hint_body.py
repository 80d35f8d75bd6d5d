"""Whatever the body of a hint is, the snapshots that it names are found, and nothing else of it is read."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.snapshot.ids import flaw_of_id
from notifier.web.hint_body import MOST_IDS, snapshot_ids

IDS = st.from_regex(r"(s|sd|snap|j)_[a-z0-9]{4,17}", fullmatch=True)
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["ready", "failed"])
KEYS = st.sampled_from(["snapshot_id", "snapshotId", "SNAPSHOT-ID", "Snapshot Id"])


def around(value: object) -> st.SearchStrategy[object]:
    """JSON with this value somewhere in it."""
    return st.recursive(
        st.just(value),
        lambda inner: st.lists(LEAVES, max_size=3).flatmap(
            lambda others: st.one_of(
                inner.map(lambda each: [*others, each]),
                inner.map(lambda each: {"data": each, "status": "ready", "others": others}),
            )
        ),
        max_leaves=4,
    )


@given(IDS.flatmap(lambda id_: st.tuples(st.just(id_), KEYS.flatmap(lambda key: around({key: id_})))))
def test_an_id_is_found_anywhere_in_json(case: tuple[str, object]) -> None:
    snapshot_id, body = case
    assert snapshot_ids(json.dumps(body).encode()) == [snapshot_id]


@given(st.lists(IDS, min_size=1, max_size=5, unique=True), KEYS)
def test_a_list_of_ids_is_found_in_its_order(ids: list[str], key: str) -> None:
    assert snapshot_ids(json.dumps({key: ids}).encode()) == ids
    assert snapshot_ids(json.dumps([{key: each} for each in [*ids, *ids]]).encode()) == ids


@given(IDS)
def test_forms_texts_and_xml_are_understood(snapshot_id: str) -> None:
    for body in (
        urlencode({"status": "ready", "snapshot_id": snapshot_id}),
        urlencode({"payload": json.dumps({"snapshot_id": snapshot_id})}),
        urlencode([("snapshot_id[]", snapshot_id)]),
        f"snapshot_id: {snapshot_id}\n",
        f"<hint><snapshot_id>{snapshot_id}</snapshot_id></hint>",
        f'--x\r\nContent-Disposition: form-data; name="snapshot_id"\r\n\r\n{snapshot_id}\r\n--x--',
        snapshot_id,
        json.dumps(snapshot_id),
        json.dumps(json.dumps({"snapshot_id": snapshot_id})),
        json.dumps({"body": json.dumps({"snapshot_id": snapshot_id})}),
        f'{{"snapshot_id": "{snapshot_id}", cut off',
    ):
        assert snapshot_ids(body.encode()) == [snapshot_id], body
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert snapshot_ids(json.dumps({"snapshot_id": snapshot_id}).encode(encoding)) == [snapshot_id]


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_nothing_but_possible_ids_comes_out_of_any_bytes(body: bytes) -> None:
    for found in snapshot_ids(body), snapshot_ids(b"snapshot_id=" + body), snapshot_ids(b'{"snapshot_id":"' + body):
        assert len(found) <= MOST_IDS
        assert all(flaw_of_id(each) is None for each in found)


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=12), inner)))
def test_nothing_but_possible_ids_comes_out_of_any_json(value: object) -> None:
    assert all(flaw_of_id(each) is None for each in snapshot_ids(json.dumps({"snapshot_id": value}).encode()))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b"null", b"hello", b"{'a'}", b"snapshot_id=",
        b"status=ready", b"ready", b'{"snapshot_id": null}', b'{"snapshot_id": 5}',
        b'{"snapshot_id": "../../etc/passwd"}', b'{"snapshot_id": "a b"}', b"\x1f\x8b\x08\x00", b"[" * 60_000,
        b'{"id": "s_1", "status": "ready"}', b'{"snapshot_id": ""}', b'{"snapshot_id": "' + b"a" * 60_000 + b'"}',
    ],
)  # fmt: skip
def test_a_body_that_names_none_gives_none(body: bytes) -> None:
    assert snapshot_ids(body) == []


def test_a_body_gives_at_most_so_many() -> None:
    body = json.dumps([{"snapshot_id": f"s_{number}"} for number in range(5 * MOST_IDS)]).encode()
    assert snapshot_ids(body) == [f"s_{number}" for number in range(MOST_IDS)]
