"""Pages of resources (`core.resources`): lists that are read on with a cursor, and things with their history."""

from collections.abc import Mapping
from dataclasses import dataclass

from notifier.core.resource_parts import CollectionResource, MessageResource, StatusSpanResource, UsualResource
from notifier.core.resources import ActionResource, DatasetResource, DeliveryResource, EventResource, SnapshotResource


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotPage:
    """A page of the watched snapshots.

    Attributes:
        snapshots: those of this page, in the order that was asked for.
        next_cursor: what gets the next page; None after the last one.
        counts: the number of snapshots by status (in lower case), of all that pass the filters, whatever `status` and
            `phase` say: each tells how many that status would show.
        datasets: the watched datasets; where the page is of one watch or dataset, only that one.
    """

    snapshots: tuple[SnapshotResource, ...]
    next_cursor: str | None
    counts: Mapping[str, int]
    datasets: tuple[DatasetResource, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchResource:
    """One watched snapshot, with its history.

    Attributes:
        snapshot: as it is now.
        configuration: the settings of its watch, as `config show` prints them; None if it is not watched any more.
        error_message: what the API said about a failure, if anything.
        error_codes: the number of errors by code, if the API gave them.
        duration_s: how long the collection took, or has taken, as the API says.
        statuses: the bar of its statuses, the oldest first.
        events: its events, the newest first, each with its deliveries and their attempts.
        next_cursor: what gets the events before these; None if there are none.
        actions: what somebody did about it, the newest first.
    """

    snapshot: SnapshotResource
    configuration: Mapping[str, object] | None
    error_message: str | None
    error_codes: Mapping[str, int]
    duration_s: float | None
    statuses: tuple[StatusSpanResource, ...]
    events: tuple[EventResource, ...]
    next_cursor: str | None
    actions: tuple[ActionResource, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetPage:
    """One dataset, with its collections.

    Attributes:
        dataset: its id.
        watch: its watch, as it is now; None if snapshots of it are watched by themselves only.
        configuration: the settings of its watch, as `config show` prints them; None without one.
        collections: the last ones, at most 200, the oldest first: the points of the chart.
        usual_records, usual_errors, usual_duration_s: the usual ranges over those that ended `ready`; None below five.
        snapshots: a page of its snapshots in progress, the newest first.
        next_cursor: what gets the next page of these.
        actions: what somebody did about its watch, the newest first.
    """

    dataset: str
    watch: DatasetResource | None
    configuration: Mapping[str, object] | None
    collections: tuple[CollectionResource, ...]
    usual_records: UsualResource | None
    usual_errors: UsualResource | None
    usual_duration_s: UsualResource | None
    snapshots: tuple[SnapshotResource, ...]
    next_cursor: str | None
    actions: tuple[ActionResource, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryPage:
    """A page of deliveries, the newest first.

    Attributes:
        deliveries: those of this page.
        next_cursor: what gets the next page; None after the last one.
    """

    deliveries: tuple[DeliveryResource, ...]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPage:
    """A page of events, the newest first.

    Attributes:
        events: those of this page.
        next_cursor: what gets the next page; None after the last one.
    """

    events: tuple[EventResource, ...]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliverableResource:
    """An event, or a notice to the operators, with its message and its deliveries.

    Attributes:
        event_id: the id of the event (evt_…) or of the notice (ntc_…).
        watch, name: the id and the name of the event's watch; None for a notice.
        snapshot, status: the event's snapshot, and the status that it took; None for a notice.
        events: the event's names; None for a notice.
        notice: the kind of a notice to the operators; None for an event.
        subject: what the notice is about; None for an event.
        message: its message, without the template of a channel.
        deliveries: its deliveries, the oldest first.
    """

    event_id: str
    watch: str | None
    name: str | None
    snapshot: str | None
    status: str | None
    events: tuple[str, ...] | None
    notice: str | None
    subject: str | None
    message: MessageResource
    deliveries: tuple[DeliveryResource, ...]
