"""Replay: the notifications that a configuration would have sent over a recorded history."""

from collections.abc import Iterable, Iterator

from notifier.core.delivery.model import Event
from notifier.core.delivery.routing import channels_for, event_of
from notifier.core.snapshot.model import DatasetWatch, Watch


def replayed(
    history: Iterable[Event], watches: Iterable[Watch], datasets: Iterable[DatasetWatch]
) -> Iterator[tuple[Event, str]]:
    """Iterate over the events that these watches would have notified of, in order, each with one channel.

    As in the daemon, a snapshot without a watch of its own belongs to its dataset's; one with neither is left out. An
    event gets the name and labels that its watch has here, and keeps its id.
    """
    by_snapshot = {watch.snapshot_id: watch for watch in watches}
    by_dataset = {dataset.dataset_id: dataset for dataset in datasets}
    for event in history:
        transition = event.transition
        watch = by_snapshot.get(transition.snapshot_id)
        dataset = by_dataset.get(transition.facts.dataset_id or "")
        if watch is None and dataset is not None:
            watch = dataset.watch_for(transition.snapshot_id)
        if watch is not None:
            renamed = event_of(transition, watch)
            yield from ((renamed, channel) for channel in channels_for(watch, transition))
