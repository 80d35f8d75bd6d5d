"""Writes a file for one watch into a folder that `include:` names. The user's own YAML is never rewritten."""

import fnmatch
import glob
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import yaml

from notifier.config.checks.typos import check_event_names
from notifier.config.documents import document
from notifier.config.documents.includes import include_patterns
from notifier.config.documents.validation import validate
from notifier.config.edit.atomic_write import FileAccess, make_folder, write_new
from notifier.config.fields import Context
from notifier.config.schema import IncludedFile
from notifier.config.sources import files
from notifier.config.yaml.interpolation import UnsetAllowed
from notifier.config.yaml.nodes import Flaw, path_text
from notifier.core.errors import NotifierError, UsageError

PATTERN = "watches.d/*.yaml"
"""The pattern to suggest for a configuration that includes no folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewWatch:
    """The watch of a snapshot or a dataset to write. Empty options are left to the defaults."""

    snapshot_id: str | None = None
    dataset_id: str | None = None
    name: str | None = None
    notify: Sequence[str] = ()
    on: Sequence[str] = ()
    every: str | None = None
    labels: Mapping[str, str] | None = None

    @property
    def subject(self) -> str:
        """The id of the snapshot or the dataset."""
        subject = self.snapshot_id or self.dataset_id
        assert subject is not None
        return subject

    def text(self) -> str:
        """Return the text of the file."""
        watch: dict[str, object] = {"dataset" if self.snapshot_id is None else "snapshot": self.subject}
        if self.name:
            watch["name"] = self.name
        if self.notify:
            watch["notify"] = list(self.notify)
        if self.on:
            watch["on"] = list(self.on)
        if self.every:
            watch["every"] = self.every
        if self.labels:
            watch["labels"] = dict(self.labels)
        written = yaml.dump(
            {"watches": [watch]}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
        )
        return f"# Written by notifier; you may edit or remove it.\n{written}"


class _Dumper(yaml.SafeDumper):
    """Quotes every value, so that no version of YAML reads an id as a number or a boolean."""


_KEYS = ("watches", "snapshot", "dataset", "name", "notify", "every", "labels", "on")


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = text.isascii() and text.isidentifier() and text in _KEYS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _quoted)


class WatchFolder:
    """The folder for drop-in files of a configuration.

    Args:
        config: the main file.
        environ: the variables for `${NAME}` in `include:`.

    Raises:
        UsageError: no pattern of `include:` would match a new file; the text says what to add.
    """

    def __init__(self, config: Path, environ: Mapping[str, str]) -> None:
        main = document.read(config, UnsetAllowed(environ), main=True)
        self._config = config
        self._data = main.data
        self._patterns = include_patterns(main)
        self.path_of("any")

    @property
    def has_default_notify(self) -> bool:
        """Whether a watch without `notify:` has a channel."""
        defaults = self._data.get("defaults")
        return isinstance(defaults, dict) and bool(defaults.get("notify"))

    def path_of(self, snapshot_id: str) -> Path:
        """Return the path of the file for a watch.

        Raises:
            UsageError: no pattern of `include:` would match it.
        """
        stem = quote(snapshot_id, safe="")
        stem = f"watch-{stem}" if stem.startswith((".", "#")) else stem
        for pattern in self._patterns:
            parent, name_pattern = os.path.split(pattern)
            if glob.has_magic(parent) and parent.rpartition("/")[2] != "**":
                continue
            parent = parent.removesuffix("**").rstrip("/") if glob.has_magic(parent) else parent
            for ending in (".yaml", ".yml"):
                if glob.has_magic(name_pattern) and fnmatch.fnmatchcase(stem + ending, name_pattern):
                    return self._config.absolute().parent / parent / (stem + ending)
        raise UsageError(
            f"{self._config} includes no folder for watches of their own: add the line `include: [{PATTERN}]` to it"
        )

    def write(self, entry: NewWatch) -> tuple[Path, datetime]:
        """Write the file of a watch atomically, with the owner, group and mode of the main file.

        The service's user can then read it, whatever the umask of the writer is.

        Returns:
            The file, and a time from which on it was there for whoever began to read.

        Raises:
            NotifierError: it cannot be written, or exists with other content.
        """
        path, text = self.path_of(entry.subject), entry.text()
        try:
            access = FileAccess.of(self._config)
            make_folder(path.parent, access)
            return path, write_new(path, text, access)
        except FileExistsError:
            if not _holds(path, text):
                raise NotifierError(f"{path} already exists and was not changed") from None
        except OSError as error:
            raise NotifierError(f"{path} cannot be written: {error.strerror or error}") from error
        return path, datetime.now(UTC)


def _holds(path: Path, text: str) -> bool:
    """Return whether a file can be read and has this text."""
    try:
        return files.read(path).text == text
    except files.Unreadable:
        return False


@contextmanager
def removing(path: Path) -> Iterator[datetime]:
    """Remove a file, but restore it if the block raises.

    The value is the time just before it was gone.

    Raises:
        NotifierError: it cannot be removed.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # a name that no pattern of `include:` matches
    gone = datetime.now(UTC)
    try:
        path.rename(aside)
    except OSError as error:
        raise NotifierError(f"{path} cannot be removed: {error.strerror or error}") from error
    try:
        yield gone
    except BaseException:
        _put_back(aside, path)
        raise
    finally:
        aside.unlink(missing_ok=True)


def _put_back(aside: Path, path: Path) -> None:
    try:
        os.link(aside, path)
    except FileExistsError:
        pass  # somebody wrote a new file meanwhile: keep that
    except OSError:
        aside.rename(path)  # a file system without hard links


def entry_errors(entry: NewWatch, channels: frozenset[str]) -> list[str]:
    """Return the errors in the values of a new watch, each with its key."""
    return _texts(_checked(entry, channels).flaws)


def entry_warnings(entry: NewWatch, channels: frozenset[str]) -> list[str]:
    """Return the warnings of `config check` about a new watch, each with its key."""
    read = _checked(entry, channels)
    check_event_names([read])
    return _texts(read.warnings)


def _checked(entry: NewWatch, channels: frozenset[str]) -> document.Document:
    context = Context(channels=channels, check_url=lambda _: None, check_template=lambda _: None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "watch.yaml"
        path.write_text(entry.text(), encoding="utf-8")
        read = document.read(path, {}, main=False)
        validate(read, IncludedFile, context)
    return read


def _texts(flaws: Sequence[Flaw]) -> list[str]:
    return [f"{path_text(flaw.path).removeprefix('watches[0].')}: {flaw.text}" for flaw in flaws]
