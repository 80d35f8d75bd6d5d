"""Quotes ids for paths."""

from urllib.parse import quote

from notifier.core.snapshot.ids import flaw_of_id


def path_segment(snapshot_id: str) -> str | None:
    """Returns the id quoted as one segment of a path; None if it cannot be an id (`core.snapshot.ids`)."""
    return None if flaw_of_id(snapshot_id) else quote(snapshot_id, safe="")
