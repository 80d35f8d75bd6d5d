"""Warns of event names and ids that look misspelt. The API may use any word, so none is refused."""

import functools
from collections.abc import Iterable, Iterator

from notifier.config.documents.document import Document
from notifier.config.values.text import shown
from notifier.config.yaml.nodes import Flaw, KeyPath, locate
from notifier.core.snapshot.statuses import ENDS, IN_PROGRESS, NAMES, canonical
from notifier.core.suggestions import closest

_KNOWN = ENDS | IN_PROGRESS | NAMES | {"all"}

_MEANT = {
    "started": "starting",
    "start": "starting",
    "run": "running",
    "expired": "expiring",
    "missed": "missing",
    **dict.fromkeys(("done", "success", "succeeded", "successful", "finished", "ended"), "ready"),
    **dict.fromkeys(("error", "errors", "errored", "failure"), "failed"),
    **dict.fromkeys(("cancel", "abort", "aborted", "stopped"), "canceled"),
    **dict.fromkeys(("stuck", "timeout", "timed_out", "hanging"), "stalled"),
    **dict.fromkeys(("not_found", "lost", "404"), "missing"),
}
"""Words that people use for an event, and that the API does not use."""

_SIMILAR = 0.75
"""The similarity of a misspelt word to the one that was meant: `faild` and `failed` have 0.9."""


def check_event_names(documents: Iterable[Document]) -> None:
    """Add a warning to each document for every unknown event name that is similar to a known one."""
    for document in documents:
        if document.root is None:
            continue
        for path, word, is_key in _event_names(document.data):
            if meant := _meant(word.lower()):
                at = locate(document.root, path)
                place = at.key_place if is_key else at.node.place
                text = (
                    f"{shown(word)} is no known event, and matches only if the API uses this word; "
                    f"did you mean '{meant}'?"
                )
                document.warnings.append(Flaw(place=place, path=path, text=text))


_PREFIXES = {"snapshot": ("dataset", ("gd_",)), "dataset": ("snapshot", ("s_", "sd_"))}
"""For each key, the other one and the prefixes of its ids."""


def check_ids(documents: Iterable[Document]) -> None:
    """Add a warning to each document for every `snapshot:` with the id of a dataset, and the other way round."""
    for document in documents:
        for index, watch, _ in document.watches():
            for key, (other, prefixes) in _PREFIXES.items():
                value = watch.get(key)
                if document.root is not None and isinstance(value, str) and value.startswith(prefixes):
                    path: KeyPath = ("watches", index, key)
                    text = f"{shown(value)} looks like the id of a {other}; did you mean `{other}: {value[:60]}`?"
                    document.warnings.append(Flaw(place=locate(document.root, path).node.place, path=path, text=text))


@functools.lru_cache
def _meant(word: str) -> str | None:
    if canonical(word) in _KNOWN or word.startswith("api:"):
        return None
    return _MEANT.get(word) or closest(word, _KNOWN - {"all"}, cutoff=_SIMILAR)


def _event_names(data: dict[str, object]) -> Iterator[tuple[KeyPath, str, bool]]:
    """Yield every event name with its path, and whether it is a key."""
    yield from _keys(data.get("templates"), ("templates",))
    yield from _words(_get(data.get("defaults"), "on"), ("defaults", "on"))
    yield from _words(_get(data.get("hooks"), "on"), ("hooks", "on"))
    channels = data.get("channels")
    for name, channel in channels.items() if isinstance(channels, dict) else ():
        yield from _keys(_get(channel, "templates"), ("channels", name, "templates"))
        yield from _words(_get(_get(channel, "quiet"), "except"), ("channels", name, "quiet", "except"))
    watches = data.get("watches")
    for index, watch in enumerate(watches if isinstance(watches, list) else ()):
        yield from _words(_get(watch, "on"), ("watches", index, "on"))


def _get(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else None


def _words(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str, bool]]:
    if isinstance(value, str):
        yield path, value, False
    for index, word in enumerate(value if isinstance(value, list) else ()):
        if isinstance(word, str):
            yield (*path, index), word, False


def _keys(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str, bool]]:
    for key in value if isinstance(value, dict) else ():
        yield (*path, key), key, True
