"""The differences between two configurations, in the words of the YAML and with every secret masked."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from notifier.config.effective import as_dict, shown_channel, shown_watch
from notifier.config.model import AnyWatch, Channel, Config
from notifier.core.config_diff import Change, Changed, ConfigDiff, ItemsDiff

NEEDS_RESTART = frozenset({"state"})
"""Keys that a reload cannot change: the daemon holds the lock of its database while it runs."""

MOST_SHOWN = 200
"""Names of one kind in the plain form, which also has their number."""

Item = TypeVar("Item")


def diff(old: Config, new: Config) -> ConfigDiff:
    """Return what a reload would change. The file and place of an entry do not count as a difference."""
    keys = _changes(_other_keys(old), _other_keys(new), hidden=_hidden_keys(old, new))
    return ConfigDiff(
        watches=_items(_watches(old), _watches(new), _of_watch),
        channels=_items(old.channels, new.channels, _of_channel),
        keys=keys,
        restart=tuple(change.key for change in keys if change.key in NEEDS_RESTART),
    )


def plain(found: ConfigDiff) -> dict[str, Any]:
    """Return the difference as lists, dicts and texts, for JSON and for the control socket."""
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
    # The watches of an unchanged file are the same objects.
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
    """Return all watches by id, which no two share."""
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
    """Return the secret keys whose value changed, though both look the same when masked."""
    return frozenset(key for key, before, after in values if before != after)


def _hidden_keys(old: Config, new: Config) -> frozenset[str]:
    return _hidden(
        ("api.token", old.api.token, new.api.token),
        ("http.token", old.http and old.http.token, new.http and new.http.token),
        ("hooks.secret", old.hooks and old.hooks.secrets, new.hooks and new.hooks.secrets),
        ("heartbeat.url", old.heartbeat and old.heartbeat.url, new.heartbeat and new.heartbeat.url),
    )


def _other_keys(config: Config) -> dict[str, object]:
    """Return the values of the other sections, by their whole path."""
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
    """Return each list, cut to `MOST_SHOWN`, with its length."""
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
