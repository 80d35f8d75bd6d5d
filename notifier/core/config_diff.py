"""What differs between two configurations, as values; `config.diff` makes them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A key with another value, before and after, as `config show` has it; None where the key was not there.

    A secret that changed reads `***` on both sides.
    """

    key: str
    before: object
    after: object


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """A watch (by its id) or a channel that is there before and after, and what is different.

    Of more than `config.diff.MOST_SHOWN` that changed only so many say what: nobody reads it of the others.
    """

    name: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemsDiff:
    """Which watches or channels are new, gone or different: each in the order of its configuration."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[Changed, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigDiff:
    """All that differs. `keys` are those of the other sections (`api.timeout`); `restart` those that a reload cannot
    change.
    """

    watches: ItemsDiff = ItemsDiff()
    channels: ItemsDiff = ItemsDiff()
    keys: tuple[Change, ...] = ()
    restart: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.watches or self.channels or self.keys)
