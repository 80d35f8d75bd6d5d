"""A configuration in parts, one for each file, so that a reload parses only the files whose content changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from notifier.config.documents.excerpt import Excerpt, merge_excerpts
from notifier.config.model import AnyWatch, Config
from notifier.core.snapshot.model import DatasetWatch, Watch


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigPart:
    """One file: the digest of its content, its watches and its warnings.

    `watches` is None if the file did not change and was not parsed; the previous part has both.
    """

    path: Path
    digest: str
    watches: tuple[AnyWatch, ...] | None
    warnings: Excerpt


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownFiles:
    """The valid files and URLs of the previous load, which are not checked again.

    Attributes:
        rules: the digest of what else decides about the watches of a file. If it differs, nothing is reused.
        digests: the digests of included files by their paths.
        names: the names that each file reserves, separated by spaces, which no name has: this is cheap to send for a
            hundred thousand watches.
        urls: the URLs of valid channels. To import Apprise takes longer than to load most configurations.
    """

    rules: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    urls: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigParts:
    """A valid configuration: `frame` has everything except watches and warnings, which `files` have."""

    frame: Config
    rules: str
    files: tuple[ConfigPart, ...]


def reserved_names(watch: AnyWatch) -> tuple[str, ...]:
    """Return the names that no other watch may use."""
    subject = watch.snapshot_id if isinstance(watch, Watch) else watch.dataset_id
    return (subject,) if watch.id == subject else (watch.id, subject)


def combine(frame: Config, files: Iterable[ConfigPart]) -> Config:
    """Return the configuration with the watches and warnings of its files."""
    parts = tuple(files)
    watches = [watch for part in parts for watch in part.watches or ()]
    return replace(
        frame,
        watches=tuple(watch for watch in watches if isinstance(watch, Watch)),
        datasets=tuple(watch for watch in watches if isinstance(watch, DatasetWatch)),
        warnings=tuple(merge_excerpts(part.warnings for part in parts)),
    )
