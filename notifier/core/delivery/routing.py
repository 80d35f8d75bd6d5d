"""Who is told of a transition: a watch's `on:` list picks events, its `notify:` list names channels."""

import hashlib
from collections.abc import Iterable

from notifier.core.delivery.model import Event
from notifier.core.model import AGAIN, Transition, Watch
from notifier.core.snapshot.statuses import ENDS, NAMES, canonical, names_of

ALL = "all"


def wants(on: Iterable[str], names: Iterable[str]) -> bool:
    """Whether a watch with this `on:` list is to be told of a transition that carries these names."""
    wanted = {canonical(word) for word in on}
    return ALL in wanted or not wanted.isdisjoint(names)


def channels_for(watch: Watch, transition: Transition) -> tuple[str, ...]:
    """The channels that are told of the transition, each once, as `notify:` has them; none if `on:` does not ask.

    Whoever asks for words in progress may have been told that the snapshot went on after its end; to them coming to
    the same end once more is that end again.
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
    """The ids whose mute covers this watch: its own, and that of the dataset's watch that found it."""
    parent, parted, _ = watch_id.partition("/")
    return (watch_id, parent) if parted else (watch_id,)


def event_id(transition: Transition) -> str:
    """The transition's stable id: the same change of the same snapshot has the same id wherever it is computed."""
    key = f"{transition.snapshot_id}\n{transition.revision}\n{transition.status}"
    return f"evt_{hashlib.sha256(key.encode()).hexdigest()[:20]}"


def event_of(transition: Transition, watch: Watch) -> Event:
    """The transition as it is told: with its id and the words its watch has for it today."""
    return Event(
        id=event_id(transition), watch_id=watch.id, name=watch.name, labels=dict(watch.labels), transition=transition
    )
