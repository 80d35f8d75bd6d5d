"""One file of the configuration on its way from bytes to checked sections, with all that is wrong with it so far."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from notifier.config.documents.schema_errors import flaws_of
from notifier.config.schema import Context
from notifier.config.sources import files
from notifier.config.sources.origin import Disk, Origin
from notifier.config.values.text import kind
from notifier.config.yaml import parser
from notifier.config.yaml.interpolation import plain_data
from notifier.config.yaml.nodes import Flaw, KeyPath, ListNode, MappingNode, Place, ScalarNode, locate

Model = TypeVar("Model", bound=BaseModel)

_NAMES = ("snapshot", "dataset", "id")
_NAME = re.compile(r"\w+(?=:)")
_SECTION = re.compile(r"^(?=\w+:(?:\s|$))", re.MULTILINE)
"""Where a section of a file begins: with a key at the beginning of a line."""

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
        """Note what is wrong, except where something is reported already."""
        self.flaws += [flaw for flaw in flaws if not self._is_reported(flaw.path)]

    def _is_reported(self, path: KeyPath) -> bool:
        return any(path[:length] in self.reported for length in range(1, len(path) + 1))

    def watches(self) -> list[tuple[int, dict[str, object], Place]]:
        """The entries of `watches:` that are mappings, each with its position and place."""
        entries = self.data.get("watches")
        if self.root is None or not isinstance(entries, list):
            return []
        return [
            (index, entry, locate(self.root, ("watches", index)).node.place)
            for index, entry in enumerate(entries)
            if isinstance(entry, dict)
        ]

    def names_used(self) -> set[str]:
        """The names that its entries use up, which no other entry may have."""
        values = (entry.get(key) for _, entry, _ in self.watches() for key in _NAMES)
        return {value for value in values if isinstance(value, str)}


def read(
    path: Path, environ: Mapping[str, str], *, main: bool, known: str | None = None, origin: Origin | None = None
) -> Document:
    """Read a file into a document. Whatever its bytes are, what is wrong stands in `flaws`.

    Args:
        path: the file.
        environ: the variables for `${NAME}`.
        main: it is the main file, which cannot be without content.
        known: the digest of a content that has not to be parsed again.
        origin: where the text comes from; the disk without.
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
    """Read the main file where it is not YAML as a whole: those of its sections that are, each by itself.

    What is wrong stands in `flaws`, each with the section as its path.
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
        # Even where nothing is needed: an editor that is just writing the file leaves it empty for a moment.
        cure = _INIT if main else ": write a `watches:` list into it, or remove it"
        document.flaws.append(Flaw(text=f"the file is empty{cure}"))
    elif main:
        document.flaws.append(Flaw(text=f"the file has nothing but comments{_INIT}"))
    else:
        document.root = MappingNode(Place(1, 1), {}, {})


def validate(document: Document, model: type[Model], context: Context) -> Model | None:
    """Hold the document against the schema: the sections, or None with the flaws noted in the document."""
    if document.root is None:
        return None
    try:
        return model.model_validate(document.data, context=context)
    except ValidationError as error:
        document.add(flaws_of(error, document.root, model))
        return None


def channel_names(document: Document) -> frozenset[str] | None:
    """The names that stand under `channels:`, also of channels with errors; None if they cannot be reported."""
    channels = document.data.get("channels", {})
    if channels is None:
        return frozenset()
    return frozenset(channels) if isinstance(channels, dict) else None
