"""Ids of snapshots and datasets, and names of channels and events."""

import re

from notifier.config.values.text import lines, text
from notifier.config.yaml.interpolation import FromEnvironment
from notifier.core.snapshot.ids import flaw_of_id

_CHANNEL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_EVENT_WORD = re.compile(r"[a-z0-9_:-]{1,100}")


def snapshot_id(value: object) -> str:
    """Validate an id, which must fit into one segment of a URL path."""
    checked = str(lines(value))
    if flaw := flaw_of_id(checked, quoting=not isinstance(value, FromEnvironment)):
        raise ValueError(f"this cannot be an id: {flaw}")
    return checked


def channel_name(value: object) -> str:
    """Validate the name of a channel."""
    checked = str(text(value))
    if "://" in checked:
        raise ValueError(
            "a channel name is expected here, not a URL: add the URL under `channels:`, and write its name here"
        )
    if not _CHANNEL_NAME.fullmatch(checked):
        raise ValueError("the name of a channel has only letters, digits, `_`, `.` and `-` (at most 100)")
    return checked


def event_word(value: object) -> str:
    """Validate the name of an event, and return it in lower case. The API may use any word as a status."""
    checked = str(text(value)).lower()
    if not _EVENT_WORD.fullmatch(checked):
        raise ValueError("the name of an event is one word, as in `ready`: letters, digits, `_`, `:` and `-`")
    return checked
