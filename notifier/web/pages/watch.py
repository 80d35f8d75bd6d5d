"""The pages of one watch: a snapshot's statuses, events and deliveries, or what a dataset's watch has found."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from notifier.core.resource_pages import DatasetPage, WatchResource
from notifier.core.snapshot.statuses import Phase, canonical, phase_of
from notifier.web.pages.charts import lasted, status_bar
from notifier.web.pages.formats import segment
from notifier.web.pages.looks import of_watch


def context(found: WatchResource, *, dataset_name: str, after: str, now: datetime) -> dict[str, Any]:
    """Return what the template `watch` needs.

    Args:
        found: the watch.
        dataset_name: the name of the watch of its dataset; empty if there is none.
        after: the cursor of the events that are shown; empty for the newest.
        now: the present time.
    """
    own = f"/watches/{segment(found.snapshot.watch)}"
    is_newest = bool(found.statuses) and canonical(found.statuses[-1].status) == canonical(found.snapshot.status)
    return {
        "watch": found.snapshot,
        "ended": phase_of(found.snapshot.status) is Phase.ENDED,
        "dataset_name": dataset_name,
        "error_message": found.error_message,
        "error_codes": found.error_codes,
        "duration_s": found.duration_s,
        "bar": status_bar(found.statuses, now, of_watch(found.snapshot) if is_newest else None),
        "spans": found.statuses,
        "lasted": lasted,
        "events": found.events,
        "actions": found.actions,
        "first_url": own if after else None,
        "next_url": f"{own}?after={found.next_cursor}" if found.next_cursor else None,
        **settings(found.configuration),
    }


def dataset_context(found: DatasetPage) -> dict[str, Any]:
    """Return what the template `dataset_watch` needs; the dataset has a watch."""
    return {
        "watch": found.watch,
        "members": found.snapshots,
        "actions": found.actions,
        **settings(found.configuration),
    }


def settings(configuration: Mapping[str, object] | None) -> dict[str, Any]:
    """Return what the configuration says of a watch: whom it notifies, of what, and its labels."""
    given = configuration or {}
    return {
        "notify": given.get("notify") or [],
        "on": given.get("on") or [],
        "labels": given.get("labels") or {},
        "watched": configuration is not None,
    }
