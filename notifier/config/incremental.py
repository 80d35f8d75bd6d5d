"""A configuration in parts: what each file gave, so that a file whose content did not change is not parsed again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from notifier.config.documents.excerpt import Excerpt, merge_excerpts
from notifier.config.model import AnyWatch, Config
from notifier.core.model import DatasetWatch, Watch


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigPart:
    """One file: what its content is known by, its watches and its warnings.

    Where a known content was not parsed again `watches` is None, and what it has of both is to be had from before.
    """

    path: Path
    digest: str
    watches: tuple[AnyWatch, ...] | None
    warnings: Excerpt


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownFiles:
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
class ConfigParts:
    """A configuration that is right: without its watches and warnings, and its files with them, the main one first."""

    frame: Config
    rules: str
    files: tuple[ConfigPart, ...]


def reserved_names(watch: AnyWatch) -> tuple[str, ...]:
    """The names that no other watch may have."""
    subject = watch.snapshot_id if isinstance(watch, Watch) else watch.dataset_id
    return (subject,) if watch.id == subject else (watch.id, subject)


def combine(frame: Config, files: Iterable[ConfigPart]) -> Config:
    """The configuration with what its files have."""
    parts = tuple(files)
    watches = [watch for part in parts for watch in part.watches or ()]
    return replace(
        frame,
        watches=tuple(watch for watch in watches if isinstance(watch, Watch)),
        datasets=tuple(watch for watch in watches if isinstance(watch, DatasetWatch)),
        warnings=tuple(merge_excerpts(part.warnings for part in parts)),
    )
