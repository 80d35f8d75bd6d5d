"""Ids as segments of a path."""

from urllib.parse import quote

LONGEST_ID = 200


def path_segment(snapshot_id: str) -> str | None:
    """The id quoted as one segment of a path; None if it cannot be one.

    `.` and `..` need no quoting and would walk up the path; no prefix is demanded of an id.
    """
    if not 0 < len(snapshot_id) <= LONGEST_ID or snapshot_id in (".", ".."):
        return None
    try:
        return quote(snapshot_id, safe="")
    except UnicodeEncodeError:
        return None
