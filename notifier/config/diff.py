"""What differs between two configurations, in the words of the YAML and with every secret masked."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from notifier.config.effective import as_dict, shown_channel, shown_watch
from notifier.config.model import AnyWatch, Channel, Config
from notifier.core.config_diff import Change, Changed, ConfigDiff, ItemsDiff

NEEDS_RESTART = frozenset({"state"})
"""Keys of the file that a reload cannot change: the daemon holds the lock of one database for as long as it runs."""

MOST_SHOWN = 200
"""Names of one kind in the plain form, beside how many there are."""

Item = TypeVar("Item")


def diff(old: Config, new: Config) -> ConfigDiff:
    """What a reload from one to the other would change. Which file a thing stands in, and where, is no difference."""
    keys = _changes(_other_keys(old), _other_keys(new), hidden=_hidden_keys(old, new))
    return ConfigDiff(
        watches=_items(_watches(old), _watches(new), _of_watch),
        channels=_items(old.channels, new.channels, _of_channel),
        keys=keys,
        restart=tuple(change.key for change in keys if change.key in NEEDS_RESTART),
    )


def plain(found: ConfigDiff) -> dict[str, Any]:
    """The difference as lists, dicts and texts: for JSON, and for the line on which a daemon answers."""
    return {
        "watches": _plain_items(found.watches),
        "channels": _plain_items(found.channels),
        "keys": [_plain_change(change) for change in found.keys],
        "restart": list(found.restart),
    }


def _items(
    old: Mapping[str, Item], new: Mapping[str, Item], changes: Callable[[Item, Item], tuple[Change, ...]]
) -> ItemsDiff:
    both = ((name, old[name], after) for name, after in new.items() if name in old)
    # Of a file that did not change the watches are the same objects.
    different = ((name, before, after) for name, before, after in both if before is not after and before != after)
    return ItemsDiff(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple(
            Changed(name=name, changes=changes(before, after) if number < MOST_SHOWN else ())
            for number, (name, before, after) in enumerate(different)
        ),
    )


def _watches(config: Config) -> dict[str, AnyWatch]:
    """Those of snapshots and those of datasets: no two have the same id."""
    watches: list[AnyWatch] = [*config.watches, *config.datasets]
    return {each.id: each for each in watches}


def _of_watch(before: AnyWatch, after: AnyWatch) -> tuple[Change, ...]:
    return _changes(shown_watch(before), shown_watch(after))


def _of_channel(before: Channel, after: Channel) -> tuple[Change, ...]:
    hidden = _hidden(
        ("url", before.url, after.url),
        ("webhook", before.webhook and before.webhook.url, after.webhook and after.webhook.url),
        ("secret", before.webhook and before.webhook.secrets, after.webhook and after.webhook.secrets),
    )
    return _changes(shown_channel(before), shown_channel(after), hidden=hidden)


def _hidden(*values: tuple[str, object, object]) -> frozenset[str]:
    """The keys whose value changed, though what is shown of it may be the same."""
    return frozenset(key for key, before, after in values if before != after)


def _hidden_keys(old: Config, new: Config) -> frozenset[str]:
    return _hidden(
        ("api.token", old.api.token, new.api.token),
        ("http.token", old.http and old.http.token, new.http and new.http.token),
        ("heartbeat.url", old.heartbeat and old.heartbeat.url, new.heartbeat and new.heartbeat.url),
    )


def _other_keys(config: Config) -> dict[str, object]:
    """What stands in the other sections, by its whole path."""
    keys: dict[str, object] = {}
    for section, value in as_dict(replace(config, channels={}, watches=(), datasets=())).items():
        if isinstance(value, dict):
            keys |= {f"{section}.{key}": each for key, each in value.items()}
        elif section != "watches":
            keys[section] = value
    return keys


def _changes(
    before: Mapping[str, object], after: Mapping[str, object], *, hidden: frozenset[str] = frozenset()
) -> tuple[Change, ...]:
    return tuple(
        Change(key=key, before=before.get(key), after=after.get(key))
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key) or key in hidden
    )


def _plain_items(items: ItemsDiff) -> dict[str, Any]:
    """Each list with its length, because it is cut: a hundred thousand new watches are not for reading."""
    return {
        "added": list(items.added[:MOST_SHOWN]),
        "added_total": len(items.added),
        "removed": list(items.removed[:MOST_SHOWN]),
        "removed_total": len(items.removed),
        "changed": [
            {"name": each.name, "changes": [_plain_change(change) for change in each.changes]}
            for each in items.changed[:MOST_SHOWN]
        ],
        "changed_total": len(items.changed),
    }


def _plain_change(change: Change) -> dict[str, object]:
    return {"key": change.key, "before": change.before, "after": change.after}
