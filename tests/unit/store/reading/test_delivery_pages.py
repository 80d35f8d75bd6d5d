"""The pages of deliveries are what a plain list of them would be, filtered and sorted, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fakes import START, Clock, notice
from support.histories import add_delivery, add_event, written

from notifier.core.delivery.model import DeliveryState
from notifier.store.notices import add_notice
from notifier.store.reading import delivery_pages
from notifier.store.reading.filters import DeliveryFilters
from notifier.store.reading.reading import Reading

WATCHES = ("w_1", "gd_1/s_a", "gd_1/s_b", "gd_2/s_a")
STATES = tuple(DeliveryState)


@dataclass(frozen=True)
class Sent:
    """A delivery of the model; of a notice if it has no watch. `later` is set for a fallback's."""

    watch: str | None
    channel: str
    state: DeliveryState
    age: int
    later: bool

    def event_id(self, number: int) -> str:
        return f"evt_{number:03}" if self.watch else f"ntc_{number:03}"

    @property
    def at(self) -> datetime:
        return START - timedelta(hours=self.age)

    @property
    def created(self) -> datetime:
        return self.at + timedelta(minutes=30) if self.later and self.watch else self.at


SENT = st.lists(
    st.builds(
        Sent,
        watch=st.sampled_from([*WATCHES, None]),
        channel=st.sampled_from(["chat", "mail"]),
        state=st.sampled_from(STATES),
        age=st.integers(0, 5),
        later=st.booleans(),
    ),
    max_size=14,
)
TIMES = st.none() | st.integers(0, 6).map(lambda age: START - timedelta(hours=age))
FILTERS = st.builds(
    DeliveryFilters,
    states=st.sampled_from([(), ("dead",), ("delivered", "dead"), ("dropped", "pending", "retrying")]),
    channel=st.sampled_from([None, "chat", "none"]),
    watch=st.sampled_from([None, None, "w_1", "gd_1", "gd_1/s_a"]),
    snapshot=st.sampled_from([None, None, "s_a"]),
    event=st.sampled_from([None, None, "evt_00", "evt_003", "evt_", "ntc", "e", "other"]),
    since=TIMES,
    until=TIMES,
    limit=st.integers(1, 4),
)


def fill(database: Path, sent: Sequence[Sent]) -> list[int]:
    """Write them; returns their ids."""
    ids = []
    with written(database) as connection:
        for number, each in enumerate(sent):
            event_id = each.event_id(number)
            if each.watch is None:
                told = replace(notice(at=each.at), id=event_id, subject=f"channel:{number}")
                add_notice(connection, told, [])
                ids.append(add_delivery(connection, None, notice=event_id, **_of(each)))
            else:
                snapshot = each.watch.partition("/")[2] or "s_1"
                add_event(connection, event_id, snapshot=snapshot, watch=each.watch, revision=number + 1, at=each.at)
                ids.append(add_delivery(connection, event_id, **_of(each)))
    return ids


def _of(each: Sent) -> dict[str, Any]:
    return {"channel": each.channel, "state": each.state, "at": each.created}


def passes(each: Sent, number: int, filters: DeliveryFilters) -> bool:
    watch, _, snapshot = (each.watch or "").partition("/")
    return (
        (not filters.states or each.state in filters.states)
        and filters.channel in (None, each.channel)
        and (filters.watch is None or (each.watch is not None and filters.watch in (each.watch, watch)))
        and filters.snapshot in (None, snapshot if each.watch else "")
        and (filters.event is None or each.event_id(number).startswith(filters.event))
        and (filters.since is None or each.created >= filters.since)
        and (filters.until is None or each.created < filters.until)
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(sent=SENT, filters=FILTERS, few=st.sampled_from([0, 10_000]))
def test_each_delivery_that_passes_the_filter_comes_once_the_newest_first(
    sent: list[Sent], filters: DeliveryFilters, few: int
) -> None:
    """Those of one watch by the time of their event, which for a fallback's is earlier than its own.

    Whether a filter leaves few or many changes how they are found, and nothing else.
    """
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery_pages, "_FEW", few)
        database = Path(folder) / "notifier.db"
        ids = fill(database, sent)
        reading = Reading(database, Clock())
        found: list[int] = []
        cursor: str | None = None
        for _ in range(len(sent) + 1):
            page = reading.deliveries(replace(filters, cursor=cursor))
            assert len(page.deliveries) <= filters.limit
            found += [each.id for each in page.deliveries]
            cursor = page.next_cursor
            if cursor is None:
                break
        reading.close()
    chosen = [(each, ids[number]) for number, each in enumerate(sent) if passes(each, number, filters)]
    by_event = filters.watch is not None
    chosen.sort(key=lambda pair: (pair[0].at if by_event else pair[0].created, pair[1]), reverse=True)
    assert cursor is None
    assert found == [delivery_id for _, delivery_id in chosen]
