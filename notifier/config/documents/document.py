"""One file of the configuration, read and parsed, with the flaws found in it so far."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from notifier.config.sources import files
from notifier.config.sources.origin import Disk, Origin
from notifier.config.values import paths
from notifier.config.values.text import kind
from notifier.config.yaml import parser
from notifier.config.yaml.interpolation import plain_data
from notifier.config.yaml.nodes import Flaw, KeyPath, ListNode, MappingNode, Place, ScalarNode, locate

_NAMES = ("snapshot", "dataset", "id")
_NAME = re.compile(r"\w+(?=:)")
_SECTION = re.compile(r"^(?=\w+:(?:\s|$))", re.MULTILINE)
"""The start of a section: a key at the beginning of a line."""

DEFAULT_STATE = "sqlite:///notifier.db"

_INIT = "; `notifier init` writes one to start from"


@dataclass(kw_only=True, slots=True)
class Document:
    """One file that was read, with the flaws found in it so far.

    Attributes:
        path: the file.
        digest: identifies the content.
        known: the content is that of the previous load, and was not parsed again.
        flaws: what is wrong with it.
        warnings: what works, but perhaps not as its author meant it.
        root: the tree of the file; None where nothing in it can be checked further.
        data: the tree as dicts, lists and values, with variables interpolated.
        reported: the paths that have a flaw already. Further flaws at or below them are not reported.
    """

    path: Path
    digest: str = ""
    known: bool = False
    flaws: list[Flaw] = field(default_factory=list)
    warnings: list[Flaw] = field(default_factory=list)
    root: MappingNode | None = None
    data: dict[str, object] = field(default_factory=dict)
    reported: set[KeyPath] = field(default_factory=set)

    def add(self, flaws: list[Flaw]) -> None:
        """Add flaws, except where one is reported already."""
        self.flaws += [flaw for flaw in flaws if not self._is_reported(flaw.path)]

    def _is_reported(self, path: KeyPath) -> bool:
        return any(path[:length] in self.reported for length in range(1, len(path) + 1))

    def watches(self) -> list[tuple[int, dict[str, object], Place]]:
        """Return the entries of `watches:` that are mappings, each with its index and its place."""
        entries = self.data.get("watches")
        if self.root is None or not isinstance(entries, list):
            return []
        return [
            (index, entry, locate(self.root, ("watches", index)).node.place)
            for index, entry in enumerate(entries)
            if isinstance(entry, dict)
        ]

    def names_used(self) -> set[str]:
        """Return the ids that the entries of `watches:` use. No other entry may use them."""
        values = (entry.get(key) for _, entry, _ in self.watches() for key in _NAMES)
        return {value for value in values if isinstance(value, str)}


def read(
    path: Path, environ: Mapping[str, str], *, main: bool, known: str | None = None, origin: Origin | None = None
) -> Document:
    """Read a file. It never raises: what is wrong is in the document's `flaws`.

    Args:
        path: the file.
        environ: the variables for `${NAME}`.
        main: it is the main file, which must have content.
        known: the digest of a content that is not parsed again.
        origin: where the text comes from; by default the disk.
    """
    document = Document(path=path)
    try:
        text, document.digest = (origin or Disk()).read(path)
    except files.Unreadable as error:
        missing = main and isinstance(error.__cause__, FileNotFoundError)
        document.flaws.append(replace(error.flaw, text=error.flaw.text + _INIT) if missing else error.flaw)
        return document
    if document.digest == known:
        document.known = True
        return document
    root, document.flaws = parser.parse(text)
    if isinstance(root, MappingNode):
        document.root = root
    elif root is None or (isinstance(root, ScalarNode) and root.value is None):
        _nothing_in(document, text, main)
    else:
        found = kind([] if isinstance(root, ListNode) else root.value)
        text = f"the file must be a mapping (lines of `key: value`), not {found}"
        document.flaws.append(Flaw(place=root.place, text=text))
    if document.root is None:
        return document
    data, flaws = plain_data(document.root, environ)
    assert isinstance(data, dict)
    document.data = data
    document.add(flaws)
    document.reported.update(flaw.path for flaw in flaws)
    return document


def read_sections(path: Path, environ: Mapping[str, str]) -> Document:
    """Read each section of a main file on its own, where the file as a whole is not valid YAML.

    The flaw of a section that is not valid YAML either has the section as its path.
    """
    document = Document(path=path)
    try:
        text, document.digest = files.read(path)
    except files.Unreadable as error:
        document.flaws.append(error.flaw)
        return document
    root = document.root = MappingNode(Place(1, 1), {}, {})
    for section in _SECTION.split(text):
        whole, _ = parser.parse(section)
        first, _ = parser.parse(section.partition("\n")[0])
        found = whole if isinstance(whole, MappingNode) else first
        if isinstance(found, MappingNode):
            root.keys.update(found.keys)
            root.values.update(found.values)
        elif name := _NAME.match(section):
            document.flaws.append(Flaw(path=(name[0],), text="not YAML"))
    data, flaws = plain_data(root, environ)
    assert isinstance(data, dict)
    document.data = data
    document.flaws += flaws
    return document


def _nothing_in(document: Document, text: str, main: bool) -> None:
    if document.flaws:
        return
    if not text.strip():
        # Refused even for a file that needs no content: an editor leaves a file empty while it writes it.
        cure = _INIT if main else ": write a `watches:` list into it, or remove it"
        document.flaws.append(Flaw(text=f"the file is empty{cure}"))
    elif main:
        document.flaws.append(Flaw(text=f"the file has nothing but comments{_INIT}"))
    else:
        document.root = MappingNode(Place(1, 1), {}, {})


def database_in(main: Document) -> Path | None:
    """Return the database file that a main file names; None if the file or its `state:` cannot be used."""
    if main.root is None or any(flaw.path == ("state",) for flaw in main.flaws):
        return None
    try:
        return main.path.absolute().parent / paths.state(main.data.get("state", DEFAULT_STATE))
    except ValueError:
        return None
