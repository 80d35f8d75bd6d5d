"""Finds the watch that a person means by an id, a name or a part of one, as the commands do."""

from notifier.config.model import Config
from notifier.core.snapshot.model import DatasetWatch, Watch

MOST = 300
"""Names that a form suggests."""


def watch_called(config: Config, asked: str) -> str:
    """Return the id of the watch that is meant; what was asked for if none is, or if several are.

    An id, a snapshot or a dataset comes before a name, and a whole name before a part of one.
    """
    wanted = asked.casefold().strip()
    watches: tuple[Watch | DatasetWatch, ...] = (*config.watches, *config.datasets)
    if not wanted or any(asked == each.id for each in watches):
        return asked
    for chosen in (
        [each.id for each in watches if wanted in (each.id.casefold(), _subject(each).casefold())],
        [each.id for each in watches if wanted == each.name.casefold()],
        [each.id for each in watches if wanted in each.name.casefold()],
    ):
        if len(chosen) == 1:
            return chosen[0]
        if chosen:
            return asked
    name, parted, snapshot = asked.rpartition(" (")  # the name of a snapshot that the watch of a dataset found
    if parted and snapshot.endswith(")"):
        parent = watch_called(config, name)
        return asked if parent == name else f"{parent}/{snapshot[:-1]}"
    return asked


def several_called(config: Config, asked: str) -> list[str]:
    """Return the names of the watches whose name has this in it; none if that is one watch at most."""
    wanted = asked.casefold().strip()
    names = [each.name for each in (*config.watches, *config.datasets) if wanted and wanted in each.name.casefold()]
    return names if len(names) > 1 else []


def names_of(config: Config) -> list[str]:
    """Return the names to suggest."""
    return list(dict.fromkeys(each.name for each in (*config.watches, *config.datasets) if each.name))[:MOST]


def _subject(watch: Watch | DatasetWatch) -> str:
    return watch.snapshot_id if isinstance(watch, Watch) else watch.dataset_id
