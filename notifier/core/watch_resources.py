"""A watch as it is configured: what `watch list --json` prints, and the API answers."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchSettingsResource:
    """A watch as it is configured, with every default. Durations are as the YAML writes them, such as `1h30m`.

    Attributes:
        watch: its id.
        name: its name.
        snapshot: the id of its snapshot; None for a watch of a dataset.
        dataset: the id of its dataset; None for a watch of a snapshot.
        notify: the names of its channels.
        on: the names of the events that it notifies.
        every: the pause between polls.
        stalled_after: a snapshot in which nothing moves for so long is `stalled`; `off`: never.
        results_kept: how long after its end the results of a snapshot are deleted.
        expiring_before: how long before that a snapshot is `expiring`.
        download: the folder and the format of the results; None: they are not downloaded.
        labels: free words of the user, passed on with every event.
    """

    watch: str
    name: str
    snapshot: str | None = None
    dataset: str | None = None
    notify: tuple[str, ...]
    on: tuple[str, ...]
    every: str
    stalled_after: str
    results_kept: str
    expiring_before: str
    download: Mapping[str, str] | None = None
    labels: Mapping[str, str]
