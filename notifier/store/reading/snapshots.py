"""Makes resources of watched snapshots and datasets: what `notifier status`, the pages and the API show of each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, String, bindparam, cast, exists, or_, select

from notifier.core.delivery.routing import family
from notifier.core.resource_parts import NotifiedResource
from notifier.core.resources import DatasetResource, SnapshotResource
from notifier.core.snapshot.model import (
    ADOPTED,
    UNKNOWN,
    AdoptingWatch,
    DatasetWatch,
    ParentWatch,
    SnapshotState,
    Watch,
)
from notifier.core.snapshot.statuses import Phase, has_ended, phase_of
from notifier.store.datasets import LISTED
from notifier.store.mapping import state_from_row
from notifier.store.queries import GIVEN, found_by, given, known, known_among, tally_among
from notifier.store.reading.collections import UsualDurations
from notifier.store.tables import datasets, deliveries, events, mutes, snapshots

ADOPTING = AdoptingWatch(every=timedelta(0), notify=(), on=())
"""Names the watches of adopted snapshots."""

Mutes = Mapping[str, datetime | None]
"""The muted watches, with the time until which; None: until they are unmuted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A snapshot to show, under the watch that watches it."""

    watch: str
    name: str
    snapshot: str
    dataset: str | None = None


def snapshot_resources(
    connection: Connection, shown: Sequence[Shown], now: datetime, durations: UsualDurations
) -> list[SnapshotResource]:
    """Return the resources of these snapshots, in their order; `durations` foretell when they end."""
    ids = [each.snapshot for each in shown]
    rows: dict[str, Mapping[str, Any]] = {
        row["snapshot_id"]: dict(row) for row in connection.execute(_KNOWN, given(ids)).mappings()
    }
    counts: dict[str, dict[str, int]] = {}
    for snapshot_id, state, number in connection.execute(_TALLY, given(rows)):
        counts.setdefault(snapshot_id, {})[state] = number
    states = {snapshot_id: state_from_row(row) for snapshot_id, row in rows.items()}
    lists = _lists(connection, {state.facts.dataset_id for state in states.values() if state.facts.dataset_id})
    muted = muted_now(connection, now)
    notified = _notified(connection, list(rows))
    blank = SnapshotState(snapshot_id="")
    found = []
    for each in shown:
        state = states.get(each.snapshot, blank)
        found.append(
            SnapshotResource(
                watch=each.watch,
                name=each.name,
                snapshot=each.snapshot,
                dataset=state.facts.dataset_id or each.dataset,
                status=state.status if state.since is not None else UNKNOWN,
                since=state.since,
                started=_started(state),
                records=state.facts.records,
                errors=state.facts.errors,
                deliveries=counts.get(each.snapshot, {}),
                notified=notified.get(each.snapshot, ()),
                likely_end=_likely_end(connection, state, durations),
                error_message=state.facts.error_message,
                **_polls(rows.get(each.snapshot, {}), state, lists),
                **_mute(each.watch, muted),
            )
        )
    return found


def _polls(row: Mapping[str, Any], state: SnapshotState, lists: Mapping[str, RowMapping]) -> dict[str, Any]:
    """Return the last poll with its answer and the next one: the snapshot's own, or those of its dataset's list."""
    polled_at, next_poll, answer = row.get("polled_at"), row.get("next_poll_at"), row.get("answer")
    ended = has_ended(state)
    of_list = lists.get(state.facts.dataset_id or "")
    listed_at = of_list["polled_at"] if of_list is not None and not ended else None
    if of_list is not None and listed_at is not None and (polled_at is None or listed_at > polled_at):
        polled_at, next_poll = listed_at, of_list["next_poll_at"] or next_poll  # its list polls it, too
        answer = None if of_list["answer"] == LISTED else of_list["answer"]
    return {"last_poll": polled_at, "last_answer": answer, "next_poll": None if ended else next_poll}


def _started(state: SnapshotState) -> datetime | None:
    return state.created_at or state.first_seen_at


def _likely_end(connection: Connection, state: SnapshotState, durations: UsualDurations) -> datetime | None:
    started, dataset_id = _started(state), state.facts.dataset_id
    if started is None or dataset_id is None or phase_of(state.status) is not Phase.ACTIVE:
        return None
    duration = durations.of(connection, dataset_id)
    return None if duration is None else started + duration


def _notified(connection: Connection, snapshot_ids: Collection[str]) -> dict[str, tuple[NotifiedResource, ...]]:
    """Return the deliveries of the newest event of each snapshot that has any."""
    found: dict[str, tuple[NotifiedResource, ...]] = {}
    for row in connection.execute(_NOTIFIED, given(snapshot_ids)):
        at = row.settled_at or row.created_at
        each = NotifiedResource(delivery=row.id, channel=row.channel, state=row.state, at=at)
        found[row.snapshot_id] = (*found.get(row.snapshot_id, ()), each)
    return found


def _newest_notified() -> Select[Any]:
    event, any_of_it = events.alias("event"), deliveries.alias("any_of_it")
    newest = (
        select(event.c.id)
        .where(event.c.snapshot_id == GIVEN.c.value, exists().where(any_of_it.c.event_id == event.c.id))
        .order_by(event.c.revision.desc())
        .limit(1)
        .correlate(GIVEN)
        .scalar_subquery()
    )
    shown = (deliveries.c[name] for name in ("id", "channel", "state", "created_at", "settled_at"))
    query = select(cast(GIVEN.c.value, String).label("snapshot_id"), *shown)
    return query.join_from(GIVEN, deliveries, deliveries.c.event_id == newest).order_by(deliveries.c.id)


_KNOWN = known_among(GIVEN)
_TALLY = tally_among(GIVEN)
_NOTIFIED = _newest_notified()
_LISTS = select(datasets).join_from(GIVEN, datasets, datasets.c.dataset_id == GIVEN.c.value)


def dataset_resources(
    connection: Connection, watches: Sequence[DatasetWatch], statuses: Mapping[str, Mapping[str, int]], now: datetime
) -> list[DatasetResource]:
    """Return the resources of these watches of datasets, with the number of the found snapshots by watch and status."""
    lists = _lists(connection, [each.dataset_id for each in watches])
    muted = muted_now(connection, now)
    return [
        DatasetResource(
            watch=each.id,
            name=each.name,
            dataset=each.dataset_id,
            in_progress=sum(
                number for status, number in statuses.get(each.id, {}).items() if phase_of(status) is not Phase.ENDED
            ),
            statuses=statuses.get(each.id, {}),
            last_poll=lists[each.dataset_id]["polled_at"] if each.dataset_id in lists else None,
            last_answer=lists[each.dataset_id]["answer"] if each.dataset_id in lists else None,
            next_poll=lists[each.dataset_id]["next_poll_at"] if each.dataset_id in lists else None,
            **_mute(each.id, muted),
        )
        for each in watches
    ]


def members(connection: Connection, watches: Sequence[DatasetWatch], named: Collection[str]) -> dict[str, list[Shown]]:
    """Return the snapshots in progress that these watches found, by watch, without those that are watched by name.

    Adopted ones are among them, as found by `ADOPTED`.
    """
    by_id: dict[str, ParentWatch] = {ADOPTED: ADOPTING, **{each.id: each for each in watches}}
    found: dict[str, list[Shown]] = {}
    for row in connection.execute(found_by(list(by_id))).mappings():
        parent = by_id[row["watch_id"].partition("/")[0]]
        if row["snapshot_id"] not in named:
            watch = parent.watch_for(row["snapshot_id"])
            found.setdefault(parent.id, []).append(
                Shown(
                    watch=watch.id,
                    name=watch.name,
                    snapshot=watch.snapshot_id,
                    dataset=parent.dataset_id if isinstance(parent, DatasetWatch) else None,
                )
            )
    return found


def shown_of(
    connection: Connection, watches: Sequence[Watch], dataset_watches: Sequence[DatasetWatch], watch_id: str
) -> Shown | None:
    """Return the snapshot of a watch: `parent/snapshot` if the watch of a dataset found it; None if nothing is known.

    A watch that was removed is found by the last snapshot with its id.
    """
    own = next((each for each in watches if each.id == watch_id), None)
    if own is not None:
        return Shown(watch=own.id, name=own.name, snapshot=own.snapshot_id)
    parent_id, parted, snapshot_id = watch_id.partition("/")
    parents = (ADOPTING, *dataset_watches)
    parent = next((each for each in parents if parted and each.id == parent_id), None)
    place = snapshots.c.snapshot_id == snapshot_id if parted else snapshots.c.watch_id == watch_id
    known_of_it = select(snapshots.c.snapshot_id, snapshots.c.dataset_id).where(place)
    if not parted:
        known_of_it = known_of_it.where(snapshots.c.snapshot_id.in_(_of_family(watch_id)))
    row = connection.execute(known_of_it.order_by(snapshots.c.since.desc()).limit(1)).first()
    if row is None:
        return None
    name = watch_id if parent is None else parent.watch_for(snapshot_id).name
    return Shown(watch=watch_id, name=name, snapshot=row.snapshot_id, dataset=row.dataset_id)


def _of_family(watch_id: str) -> Select[tuple[str]]:
    """Select the snapshots of the newest events of a watch."""
    newest = select(events.c.snapshot_id).where(events.c.family == watch_id).order_by(events.c.observed_at.desc())
    return select(newest.limit(1).subquery().c.snapshot_id)


def state_of(connection: Connection, snapshot_id: str) -> SnapshotState:
    """Return the state of a snapshot; a blank one if it was never seen."""
    row = connection.execute(known([snapshot_id])).mappings().first()
    return SnapshotState(snapshot_id=snapshot_id) if row is None else state_from_row(row)


def muted_now(connection: Connection, now: datetime) -> Mutes:
    """Return the watches that are muted."""
    return {row.watch_id: row.until for row in connection.execute(_MUTED, {"now": now})}


_MUTED = select(mutes.c.watch_id, mutes.c.until).where(or_(mutes.c.until.is_(None), mutes.c.until > bindparam("now")))


def _mute(watch_id: str, muted: Mutes) -> dict[str, Any]:
    muting = next((each for each in family(watch_id) if each in muted), None)
    return {"muted": muting is not None, "muted_until": None if muting is None else muted[muting]}


def _lists(connection: Connection, dataset_ids: Collection[str]) -> dict[str, RowMapping]:
    """Return the rows of those of these datasets that were ever listed."""
    return {row["dataset_id"]: row for row in connection.execute(_LISTS, given(dataset_ids)).mappings()}
