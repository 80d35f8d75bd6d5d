"""Single rows of pages, by their ids: what open pages are brought when it changes."""

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import Connection

from notifier.core.resources import DeliveryResource
from notifier.core.snapshot.model import DatasetWatch, Watch
from notifier.store.queries import deliveries_with_events
from notifier.store.reading.deliveries import resource_of
from notifier.store.reading.snapshots import Shown, shown_of
from notifier.store.tables import deliveries


def shown_among(
    connection: Connection, watches: Sequence[Watch], datasets: Sequence[DatasetWatch], watch_ids: Collection[str]
) -> Iterator[Shown]:
    """Yield the snapshots of these watches; ids of other watches, and unknown ones, are left out."""
    own = {each.id: each for each in watches if each.id in watch_ids}
    for watch_id in watch_ids:
        if watch_id in own:
            yield Shown(watch=watch_id, name=own[watch_id].name, snapshot=own[watch_id].snapshot_id)
        elif "/" in watch_id and (found := shown_of(connection, (), datasets, watch_id)) is not None:
            yield found


def deliveries_among(connection: Connection, delivery_ids: Collection[int]) -> list[DeliveryResource]:
    """Return the deliveries with these ids."""
    query = deliveries_with_events().where(deliveries.c.id.in_(delivery_ids))
    return [resource_of(row) for row in connection.execute(query).mappings()]
