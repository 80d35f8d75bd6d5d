"""The messages of the event stream, as bytes (https://html.spec.whatwg.org/multipage/server-sent-events.html).

- `hello`: the stream is open, and the page has everything up to this id.
- `refresh`: the page may have missed something, and reads itself again.
- `changed`: what changed. `topics` as in `live.changes`, `rows` (HTML by topic), `polled` (the last and the next poll
  by topic), `said` (sentences by topic) and `unsaid` (how many more).

Each names the number of open pages, by which a page measures how often it may read itself.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from notifier.core.times import iso
from notifier.web.live.changes import Changes

RETRY_MS = 2_000
"""How long a browser waits before it connects again by itself; `live.js` waits longer each time."""

HEARTBEAT = b": alive\n\n"
"""A comment, which keeps proxies from closing the connection and shows the browser that it lives."""


def opening(kind: str, last_id: str, pages: int) -> bytes:
    """Return the first message of a stream, `hello` or `refresh`."""
    return b"retry: %d\n" % RETRY_MS + _message(kind, last_id, {"pages": pages})


def refresh(last_id: str, pages: int) -> bytes:
    """Return the message to a page that has missed something."""
    return _message("refresh", last_id, {"pages": pages})


def changed(
    changes: Changes, rows: Mapping[str, str], last_id: str, pages: int, *, redact: Callable[[Any], Any]
) -> bytes:
    """Return the message of what changed, or `refresh` if that is too much.

    Args:
        changes: what changed.
        rows: the HTML of those of its topics that have been rendered.
        last_id: the id of the last change in it.
        pages: how many pages are open.
        redact: masks secrets in the sentences; rows are masked already.
    """
    if changes.everything:
        return refresh(last_id, pages)
    data: dict[str, Any] = {"topics": list(changes.topics), "pages": pages}
    if rows:
        data["rows"] = dict(rows)
    if changes.polled:
        data["polled"] = {
            topic: [iso(last, "seconds"), iso(next_, "seconds")] for topic, (last, next_) in changes.polled.items()
        }
    if changes.said:
        data |= {"said": redact(changes.said), "unsaid": changes.unsaid}
    return _message("changed", last_id, data)


def _message(kind: str, last_id: str, data: Mapping[str, Any]) -> bytes:
    """JSON without line ends is one `data:` line, whatever it holds."""
    text = json.dumps(data, separators=(",", ":"))
    return f"event: {kind}\nid: {last_id}\ndata: {text}\n\n".encode()
