"""Odd dates, numbers and texts in an answer cost no other snapshot its notifications, from the bytes to the commit.

The manager, poller and store are real, on a moving clock. The answers of a scripted account are written as JSON with
odd values in it, and read as the client reads them.
"""

import json
import os
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.edge_values import DATES, dates, numbers, texts
from support.fake_account import FakeAccount
from support.fakes import START, watch
from support.polling_world import PollingWorld, run_scenario

from notifier.brightdata.datasets.list_pages import entries_of, read
from notifier.brightdata.datasets.progress import observation_of
from notifier.brightdata.limits.permit import Permit
from notifier.core.snapshot.expiring import step_by_clock
from notifier.core.snapshot.model import DatasetWatch, Listed, Observation, Seen, SnapshotState, Unclear

CASES = int(os.environ.get("FUZZ_CASES", "2000")) // 50
MINUTE = timedelta(minutes=1)
ODD, NEAR = "s_odd", ("s_near_1", "s_near_2", "s_near_3")
STALLED_AFTER = timedelta(hours=1)


class OddAccount(FakeAccount):
    """An account whose `s_odd` has these values beside its status, in the list and in its progress."""

    def __init__(self, created: object, facts: dict[str, object]) -> None:
        super().__init__()
        self.created = created
        self.facts = facts

    async def listing(
        self, dataset_id: str, *, from_date: date | None = None, permit: Permit | None = None
    ) -> tuple[Listed, ...] | Unclear:
        """Return the list, as read from its bytes."""
        told = await super().listing(dataset_id, from_date=from_date, permit=permit)
        if isinstance(told, Unclear):
            return told
        body = json.dumps([self._entry(each) for each in told]).encode()
        entries = entries_of(body)
        assert not isinstance(entries, Unclear)
        return read(entries, "", datetime.now(UTC)).found

    def _entry(self, entry: Listed) -> dict[str, object]:
        said: dict[str, object] = {"id": entry.snapshot_id, "status": entry.status}
        if entry.snapshot_id == ODD:
            return said | {"created": self.created, "dataset_size": self.facts.get("records")}
        return said | {"created": None if entry.created is None else entry.created.isoformat()}

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """Poll, reading the answer from its bytes."""
        told = await super().observe(snapshot_id, permit=permit)
        if not isinstance(told, Seen):
            return told
        facts: dict[str, object] = {"dataset_id": "gd_1", "snapshot_id": snapshot_id, "status": told.status}
        facts |= self.facts if snapshot_id == ODD else {"records": told.facts.records}
        body = json.dumps(facts).encode()
        return observation_of(status_code=200, headers={}, body=body, now=datetime.now(UTC), snapshot_id=snapshot_id)


facts = st.fixed_dictionaries(
    {},
    optional={
        "records": numbers,
        "errors": numbers,
        "running_time": numbers,
        "collection_duration": numbers,
        "error_message": texts,
        "error_codes": st.dictionaries(st.text(max_size=9), numbers, max_size=2) | numbers,
        "created": dates,
    },
)


def live(created: object, facts: dict[str, object], *, whole: bool) -> PollingWorld:
    """Run twice: `s_odd` and its neighbours are in progress, and end after four minutes, during the second run."""
    account = OddAccount(created, facts)
    for number, snapshot_id in enumerate((ODD, *NEAR)):
        account.add(snapshot_id, "gd_1", START - MINUTE, (0, "running"), (300 + number, "ready"))

    async def scenario(world: PollingWorld, _: FakeAccount) -> None:
        world.account = account
        if whole:
            world.datasets = [
                DatasetWatch(
                    id="gd_1",
                    dataset_id="gd_1",
                    name="All",
                    every=MINUTE,
                    notify=("chat",),
                    on=("all",),
                    stalled_after=STALLED_AFTER,
                )
            ]
        else:
            world.watches = [watch(each, every=MINUTE, stalled_after=STALLED_AFTER) for each in (ODD, *NEAR)]
        await world.run_for(minutes=3)
        async with world.running():
            await world.manager.warn_expiring()
            await world.clock_passes(4 * MINUTE)
            await world.manager.warn_expiring()

    return run_scenario(scenario)


@settings(deadline=None, max_examples=CASES, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(created=dates, facts=facts, whole=st.booleans())
@example(created="0001-01-01T00:00:00Z", facts={}, whole=False)
@example(created="0001-01-01T00:00:00Z", facts={}, whole=True)
@example(created="9999-12-31T23:59:59-14:00", facts={"records": 10**4_000, "errors": float("nan")}, whole=True)
def test_whatever_an_entry_and_an_answer_say_beside_the_status_all_ends_are_told_in_time(
    created: object, facts: dict[str, object], whole: bool
) -> None:
    ends = {
        event.transition.snapshot_id: event.transition.observed_at
        for event in live(created, facts, whole=whole).events()
        if event.transition.status == "ready"
    }
    assert set(ends) == {ODD, *NEAR}
    for at in ends.values():
        assert at <= START + 4 * MINUTE + 2 * MINUTE


@pytest.mark.parametrize("created", DATES, ids=repr)
def test_an_implausible_date_counts_as_no_date(created: object) -> None:
    body = json.dumps([{"id": ODD, "status": "running", "created": created}]).encode()
    entries = entries_of(body)
    assert not isinstance(entries, Unclear)
    [entry] = read(entries, "", START).found
    assert entry.created is None or datetime(2000, 1, 1, tzinfo=UTC) <= entry.created <= START + timedelta(days=1)


@given(created=st.datetimes().map(lambda moment: moment.replace(tzinfo=UTC)))
def test_the_warning_of_results_that_expire_bears_any_date_that_a_list_may_have(created: datetime) -> None:
    entries = entries_of(json.dumps([{"id": ODD, "status": "ready", "created": created.isoformat()}]).encode())
    assert not isinstance(entries, Unclear)
    [entry] = read(entries, "", START).found
    state = SnapshotState(
        snapshot_id=ODD, status="ready", revision=1, since=START, first_seen_at=START, created_at=entry.created
    )
    step_by_clock(state, watch(ODD), START)


def test_an_implausible_date_that_an_earlier_version_stored_is_ignored() -> None:
    """The daemon starts with it in the database, and polls as usual."""
    account: Any = OddAccount("0001-01-01T00:00:00Z", {})
    account.add(ODD, "gd_1", START - MINUTE, (0, "running"), (300, "ready"))

    async def scenario(world: PollingWorld, _: FakeAccount) -> None:
        world.account = account
        world.watches = [watch(ODD, every=MINUTE)]
        await world.run_for(minutes=1)
        world.sql("UPDATE snapshots SET created_at = -62135596800000000")
        await world.run_for(minutes=4)

    assert run_scenario(scenario).statuses()[ODD][-1] == "ready"
