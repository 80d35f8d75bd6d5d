"""Checks the watches of all files: each snapshot, dataset and id only once, and a channel for every watch."""

from collections.abc import Callable, Iterable

from notifier.config.documents.document import Document
from notifier.config.yaml.nodes import Flaw, KeyPath, Place, locate
from notifier.core.snapshot.model import ADOPTED

_NEITHER = "nothing to watch: write `snapshot:` with the id of one, or `dataset:` for every snapshot of a dataset"
_NO_CHANNEL = (
    "this watch notifies no channel: add `notify: [CHANNEL]` here, or `notify:` under `defaults:` for all watches"
)
_RESERVED = f"`{ADOPTED}` stands for the snapshots that `hooks: adopt` takes up: give this watch another `id:`"
_BOTH = "a watch has either a `snapshot:` or a `dataset:`: make two watches of this one"


def check_watches(
    documents: Iterable[Document], *, has_default_notify: bool, name_of: Callable[[Document], str]
) -> None:
    """Add flaws to each document for watches that clash with earlier ones.

    The checks use the data and not the validated sections, so that one wrong watch hides no other error.

    Args:
        documents: all files, the main one first.
        has_default_notify: there is a `defaults.notify`.
        name_of: returns the name of a document for errors.
    """
    watched: dict[tuple[str, str], str] = {}
    ids: dict[str, str] = {}
    for document in documents:
        for index, entry, place in document.watches():
            if not has_default_notify and "notify" not in entry:
                document.add([Flaw(place=place, path=("watches", index), text=_NO_CHANNEL)])
            named = [key for key in ("snapshot", "dataset") if key in entry]
            if len(named) == 1:
                _check_double(document, index, entry, named[0], watched, ids, name_of(document))
            else:
                at = _place(document, index, "dataset") if named else place
                path: KeyPath = ("watches", index, "dataset") if named else ("watches", index)
                document.add([Flaw(place=at, path=path, text=_BOTH if named else _NEITHER)])


def _check_double(
    document: Document,
    index: int,
    entry: dict[str, object],
    kind: str,
    watched: dict[tuple[str, str], str],
    ids: dict[str, str],
    file: str,
) -> None:
    subject = entry[kind]
    key = "id" if "id" in entry else kind
    watch_id = entry.get(key)
    place = _place(document, index, kind)
    if isinstance(subject, str) and subject:
        if (kind, subject) in watched:
            text = f"this {kind} is already watched at {watched[kind, subject]}: remove one of the two"
            document.add([Flaw(place=place, path=("watches", index, kind), text=text)])
            return
        watched[kind, subject] = f"{file}:{place.line}:{place.column}"
    if isinstance(watch_id, str) and watch_id:
        place = _place(document, index, key)
        if watch_id == ADOPTED:
            document.add([Flaw(place=place, path=("watches", index, key), text=_RESERVED)])
            return
        if watch_id in ids:
            text = f"the watch at {ids[watch_id]} has this id already: give one of the two another `id:`"
            document.add([Flaw(place=place, path=("watches", index, key), text=text)])
            return
        ids[watch_id] = f"{file}:{place.line}:{place.column}"


def _place(document: Document, index: int, key: str) -> Place:
    assert document.root is not None
    return locate(document.root, ("watches", index, key)).node.place
