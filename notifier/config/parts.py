"""A configuration in parts: what each file gave, so that a file whose content did not change is not parsed again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from notifier.config.model import Config
from notifier.core.model import Watch


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One file: what its content is known by, and its watches; None where a known content was not parsed again."""

    path: Path
    digest: str
    watches: tuple[Watch, ...] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is known of included files that were right: by their paths the digest, and the names they use up.

    Those stand in one text, parted by spaces, which no name can have: a hundred thousand cost little to send. It all
    holds as long as the `rules` are the same: what else decides about the watches of a file. `urls` are those of
    channels that were right: Apprise, which takes longer to import than most files to load, is not asked again.
    """

    rules: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    urls: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """A configuration that is right: all of it but its watches, and its files with theirs, the main one first."""

    frame: Config
    rules: str
    files: tuple[Part, ...]


def names_of(watch: Watch) -> tuple[str, ...]:
    """The names that no other watch may have."""
    return (watch.id,) if watch.id == watch.snapshot_id else (watch.id, watch.snapshot_id)


def whole(frame: Config, watches: Iterable[Watch]) -> Config:
    """The configuration with its watches."""
    return replace(frame, watches=tuple(watches))
