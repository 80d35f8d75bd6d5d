"""A file of its own for one watch, among those that `include:` names. Nothing of the user's own YAML is rewritten."""

import fnmatch
import glob
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import yaml

from notifier.config.checks.typos import check_event_names
from notifier.config.documents import document
from notifier.config.documents.includes import include_patterns
from notifier.config.documents.validation import validate
from notifier.config.edit.atomic_write import FileAccess, make_folder, write_new
from notifier.config.schema import Context, IncludedFile
from notifier.config.sources import files
from notifier.config.yaml.interpolation import UnsetAllowed
from notifier.config.yaml.nodes import Flaw, path_text
from notifier.core.errors import NotifierError, UsageError

PATTERN = "watches.d/*.yaml"
"""What is proposed to somebody whose configuration includes nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewWatch:
    """A watch, of a snapshot or of a dataset, as it will stand in the file; what is empty is left to the defaults."""

    snapshot_id: str | None = None
    dataset_id: str | None = None
    name: str | None = None
    notify: Sequence[str] = ()
    on: Sequence[str] = ()
    every: str | None = None
    labels: Mapping[str, str] | None = None

    @property
    def subject(self) -> str:
        """The snapshot's or the dataset's id."""
        subject = self.snapshot_id or self.dataset_id
        assert subject is not None
        return subject

    def text(self) -> str:
        """The whole file."""
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
        return f"# Written by notifier; edit or remove it as you like.\n{written}"


class _Dumper(yaml.SafeDumper):
    """Quotes every value: no reader of YAML, of whatever version, can then take an id for a number or a truth."""


_KEYS = ("watches", "snapshot", "dataset", "name", "notify", "every", "labels", "on")


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = text.isascii() and text.isidentifier() and text in _KEYS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _quoted)


class WatchFolder:
    """Where drop-in files of one configuration go.

    Args:
        config: the main file.
        environ: the variables for `${NAME}` in `include:`.

    Raises:
        UsageError: it includes no folder in which a new file would be found; the text says what to add.
    """

    def __init__(self, config: Path, environ: Mapping[str, str]) -> None:
        main = document.read(config, UnsetAllowed(environ), main=True)
        self._config = config
        self._data = main.data
        self._patterns = include_patterns(main)
        self.path_of("any")

    @property
    def has_default_notify(self) -> bool:
        """Whether a watch that names no channel is told to anybody."""
        defaults = self._data.get("defaults")
        return isinstance(defaults, dict) and bool(defaults.get("notify"))

    def path_of(self, snapshot_id: str) -> Path:
        """The file for a snapshot's watch.

        Raises:
            UsageError: no pattern of `include:` would find it.
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

    def write(self, entry: NewWatch) -> Path:
        """Write the file of a watch, whole or not at all, with the main file's owner, group and mode.

        Whatever reads the main file, such as the service's own user, can then read this one too, whatever the umask
        of the writer is.

        Raises:
            NotifierError: it cannot be written, or there is one with something else in it.
        """
        path, text = self.path_of(entry.subject), entry.text()
        try:
            access = FileAccess.of(self._config)
            make_folder(path.parent, access)
            write_new(path, text, access)
        except FileExistsError:
            if not _holds(path, text):
                raise NotifierError(f"{path} is there already and was left as it is") from None
        except OSError as error:
            raise NotifierError(f"{path} cannot be written: {error.strerror or error}") from error
        return path


def _holds(path: Path, text: str) -> bool:
    """Whether a file has this text; one that cannot be read has another."""
    try:
        return files.read(path).text == text
    except files.Unreadable:
        return False


@contextmanager
def removing(path: Path) -> Iterator[None]:
    """Take a file away for good, unless the block fails: then it is there again, the same file, whole.

    Raises:
        NotifierError: it cannot be taken away.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # a name that no pattern of `include:` finds
    try:
        path.rename(aside)
    except OSError as error:
        raise NotifierError(f"{path} cannot be removed: {error.strerror or error}") from error
    try:
        yield
    except BaseException:
        _put_back(aside, path)
        raise
    finally:
        aside.unlink(missing_ok=True)


def _put_back(aside: Path, path: Path) -> None:
    try:
        os.link(aside, path)
    except FileExistsError:
        pass  # somebody has written a new one meanwhile: that is theirs
    except OSError:
        aside.rename(path)  # this disk knows no links


def entry_errors(entry: NewWatch, channels: frozenset[str]) -> list[str]:
    """What is wrong with the values of a watch, each with its key, before there is a file of it."""
    return _texts(_checked(entry, channels).flaws)


def entry_warnings(entry: NewWatch, channels: frozenset[str]) -> list[str]:
    """What `config check` will warn of in the values of a watch, each with its key."""
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
