"""Rules between the watches of all files: each snapshot once, each id once, and somebody to tell."""

from collections.abc import Callable, Iterable

from notifier.config.document import Document
from notifier.config.nodes import Flaw, Place, locate


def check_watches(documents: Iterable[Document], *, everybody_told: bool, name_of: Callable[[Document], str]) -> None:
    """Note in each document what is wrong between its watches and those before.

    They look at the data and not at the checked sections, so that one bad watch hides nothing of the others.

    Args:
        documents: all files, the main one first.
        everybody_told: there is a `defaults.notify`.
        name_of: how a document is called in the text of an error.
    """
    snapshots: dict[str, str] = {}
    ids: dict[str, str] = {}
    for document in documents:
        for index, entry, place in document.watches():
            if not everybody_told and "notify" not in entry:
                text = "nobody is told: add `notify: [CHANNEL]` here, or `notify:` under `defaults:` for all watches"
                document.add([Flaw(place=place, path=("watches", index), text=text)])
            _check_double(document, index, entry, snapshots, ids, name_of(document))


def _check_double(
    document: Document,
    index: int,
    entry: dict[str, object],
    snapshots: dict[str, str],
    ids: dict[str, str],
    file: str,
) -> None:
    snapshot = entry.get("snapshot")
    key = "id" if "id" in entry else "snapshot"
    watch_id = entry.get(key)
    place = _place(document, index, "snapshot")
    if isinstance(snapshot, str) and snapshot:
        if snapshot in snapshots:
            text = f"this snapshot is already watched at {snapshots[snapshot]}: take one of the two out"
            document.add([Flaw(place=place, path=("watches", index, "snapshot"), text=text)])
            return
        snapshots[snapshot] = f"{file}:{place.line}:{place.column}"
    if isinstance(watch_id, str) and watch_id:
        place = _place(document, index, key)
        if watch_id in ids:
            text = f"the watch at {ids[watch_id]} has this id already: give one of the two another `id:`"
            document.add([Flaw(place=place, path=("watches", index, key), text=text)])
            return
        ids[watch_id] = f"{file}:{place.line}:{place.column}"


def _place(document: Document, index: int, key: str) -> Place:
    assert document.root is not None
    return locate(document.root, ("watches", index, key)).node.place
