"""Routing: a watch's `on:` list selects transitions, its `notify:` list names the channels that are notified."""

import hashlib
from collections.abc import Iterable

from notifier.core.delivery.model import Event
from notifier.core.snapshot.model import AGAIN, Transition, Watch
from notifier.core.snapshot.statuses import ENDS, NAMES, canonical, names_of

ALL = "all"


def wants(on: Iterable[str], names: Iterable[str]) -> bool:
    """Return whether an `on:` list selects a transition that carries these names."""
    wanted = {canonical(word) for word in on}
    return ALL in wanted or not wanted.isdisjoint(names)


def channels_for(watch: Watch, transition: Transition) -> tuple[str, ...]:
    """Return the channels that are notified of the transition, each once, in the order of `notify:`.

    A watch that asks for statuses in progress may have notified that the snapshot left its end. For such a watch the
    same end, reached once more, counts as that end again.
    """
    names = transition.names
    if AGAIN in names and _follows_progress(watch.on):
        names = (*names, *names_of(transition.status, transition.facts))
    if not wants(watch.on, names):
        return ()
    return tuple(dict.fromkeys(watch.notify))


def _follows_progress(on: Iterable[str]) -> bool:
    return any(canonical(word) not in ENDS | NAMES for word in on)


def family(watch_id: str) -> tuple[str, ...]:
    """Return the ids whose mute covers this watch: its own, and that of the dataset's watch that found it."""
    parent, parted, _ = watch_id.partition("/")
    return (watch_id, parent) if parted else (watch_id,)


def event_id(transition: Transition) -> str:
    """Return the stable id of the transition's event, which depends on snapshot, revision and status alone."""
    key = f"{transition.snapshot_id}\n{transition.revision}\n{transition.status}"
    return f"evt_{hashlib.sha256(key.encode()).hexdigest()[:20]}"


def event_of(transition: Transition, watch: Watch) -> Event:
    """Return the event of a transition, with the name and labels that its watch has now."""
    return Event(
        id=event_id(transition), watch_id=watch.id, name=watch.name, labels=dict(watch.labels), transition=transition
    )
