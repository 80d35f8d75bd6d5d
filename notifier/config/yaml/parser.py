"""Parses the text of a YAML file into the tree of `nodes`: strictly, within bounds, and reporting every flaw.

The tree is built from PyYAML's events and not by its composer, which drops duplicate keys. The composer in C also
overruns the stack, and kills the process, at tens of thousands of `[`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from notifier.config.yaml.nodes import Flaw, KeyPath, ListNode, MappingNode, Node, Place, ScalarNode, key_text
from notifier.config.yaml.scalars import resolve
from notifier.config.yaml.syntax_errors import characters, explain

FAST_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DEEPEST = 50
MOST_ALIASED = 10_000
"""Values that aliases may repeat in one file. Anchors for defaults need few, a bomb needs billions."""

_ALLOWED_TAGS = {
    yaml.ScalarEvent: (None, "!", "tag:yaml.org,2002:str"),
    yaml.SequenceStartEvent: (None, "!", "tag:yaml.org,2002:seq"),
    yaml.MappingStartEvent: (None, "!", "tag:yaml.org,2002:map"),
}


def parse(text: str, loader: type = FAST_LOADER) -> tuple[Node | None, list[Flaw]]:
    """Return the tree of a YAML text, and its flaws.

    The tree is None if the text has no content, or a flaw that ends parsing. After a lesser flaw, such as a duplicate
    key, there is a tree, so that the rest of the file is checked too.
    """
    if flaws := characters(text):
        return None, flaws
    # YAML allows tabs within a line, but the parser in Python does not. The columns stay the same.
    text = text.replace("\t", " ")
    builder = _Builder(text, loader)
    try:
        return builder.document(), builder.flaws
    except _Stop as stop:
        return None, [*builder.flaws, stop.flaw]
    except yaml.YAMLError as error:
        return None, [*builder.flaws, explain(error, text)]
    except (ValueError, OverflowError):
        # The parser in Python raises these for out-of-range escapes and version numbers.
        return None, [*builder.flaws, Flaw(place=builder.place, text="not YAML: a number or an escape out of range")]


class _Stop(Exception):
    """A flaw that ends parsing."""

    def __init__(self, place: Place, path: KeyPath, text: str) -> None:
        super().__init__(text)
        self.flaw = Flaw(place=place, path=path, text=text)


@dataclass(frozen=True, slots=True)
class _Anchored:
    """An anchored value: `size` is the number of values in it, `height` the number of levels."""

    node: Node
    size: int
    height: int


class _Builder:
    def __init__(self, text: str, loader: type) -> None:
        self.flaws: list[Flaw] = []
        self.place = Place(1, 1)
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=loader)
        self._anchors: dict[str, _Anchored | None] = {}
        self._size = 0
        self._aliased = 0

    def document(self) -> Node | None:
        """Return the only document of the file; None if there is none."""
        node = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if node is not None:
                    text = "a second document begins here: a file holds one, so remove the `---`"
                    raise _Stop(_place_of(event), (), text)
                node, _ = self._node(self._next(), (), 1)
        return node

    def _next(self) -> yaml.Event:
        event = next(self._events)
        self.place = _place_of(event)
        return event

    def _node(self, event: yaml.Event, path: KeyPath, depth: int) -> tuple[Node, int]:
        """Return the value that begins with this event, and its height."""
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor or "", path, depth)
        if depth > DEEPEST:
            raise _Stop(self.place, (), f"nested more than {DEEPEST} levels deep")
        assert isinstance(event, yaml.NodeEvent)
        before = self._size
        self._size += 1
        anchor = event.anchor
        if anchor is not None:
            self._anchors[anchor] = None
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node, height = self._scalar(event, path), 1
        elif isinstance(event, yaml.SequenceStartEvent):
            node, height = self._list(event, path, depth)
        else:
            assert isinstance(event, yaml.MappingStartEvent)
            node, height = self._mapping(event, path, depth)
        if anchor is not None:
            self._anchors[anchor] = _Anchored(node, self._size - before, height)
        return node, height

    def _scalar(self, event: yaml.ScalarEvent, path: KeyPath) -> ScalarNode:
        place = self.place
        self._check_tag(event, path)
        value: str = event.value
        if not event.style and event.tag is None:
            return ScalarNode(place, resolve(value))
        if event.style == '"' and any("\ud800" <= char <= "\udfff" for char in value):
            self._flaw(place, path, "an escape that is half a character: write the character itself")
        return ScalarNode(place, value)

    def _list(self, event: yaml.SequenceStartEvent, path: KeyPath, depth: int) -> tuple[Node, int]:
        place = self.place
        self._check_tag(event, path)
        items: list[Node] = []
        tallest = 0
        while not isinstance(following := self._next(), yaml.SequenceEndEvent):
            item, height = self._node(following, (*path, len(items)), depth + 1)
            items.append(item)
            tallest = max(tallest, height)
        return ListNode(place, items), tallest + 1

    def _mapping(self, event: yaml.MappingStartEvent, path: KeyPath, depth: int) -> tuple[Node, int]:
        place = self.place
        self._check_tag(event, path)
        keys: dict[str, Place] = {}
        values: dict[str, Node] = {}
        tallest = 0
        while not isinstance(following := self._next(), yaml.MappingEndEvent):
            key_place = self.place
            key = self._key(following, path, depth)
            value, height = self._node(self._next(), path if key is None else (*path, key), depth + 1)
            tallest = max(tallest, height)
            if key is None:
                continue
            if key in keys:
                text = f"this key is already on line {keys[key].line}: keep one of them"
                self._flaw(key_place, (*path, key), text)
                continue
            keys[key], values[key] = key_place, value
        return MappingNode(place, keys, values), tallest + 1

    def _key(self, event: yaml.Event, path: KeyPath, depth: int) -> str | None:
        place = self.place
        plain = isinstance(event, yaml.ScalarEvent) and not event.style
        node, _ = self._node(event, path, depth + 1)
        if not isinstance(node, ScalarNode):
            cure = "; a text that begins with `{` needs quotes" if isinstance(node, MappingNode) else ""
            self._flaw(place, path, f"a list or a mapping cannot be a key{cure}")
            return None
        if plain and node.value == "<<":
            text = "`<<` is not part of YAML 1.2: write the keys out, or put them under `defaults:`"
            self._flaw(place, path, text)
            return None
        if not isinstance(node.value, str):
            self._flaw(place, path, "a key must be text: put it in quotes")
            return None
        return node.value

    def _alias(self, anchor: str, path: KeyPath, depth: int) -> tuple[Node, int]:
        if anchor not in self._anchors:
            raise _Stop(
                self.place, path, f"there is no anchor `&{key_text(anchor)}` before this; quote a text with `*`"
            )
        anchored = self._anchors[anchor]
        if anchored is None:
            raise _Stop(self.place, path, "an alias inside of what it stands for: write the value out")
        self._aliased += anchored.size
        self._size += anchored.size
        if self._aliased > MOST_ALIASED:
            text = f"the aliases (`*{key_text(anchor)}`) repeat more than {MOST_ALIASED:,} values: write them out"
            raise _Stop(self.place, path, text)
        if depth + anchored.height > DEEPEST:
            raise _Stop(self.place, path, f"nested more than {DEEPEST} levels deep")
        return anchored.node, anchored.height

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, path: KeyPath) -> None:
        if event.tag not in _ALLOWED_TAGS[type(event)]:
            self._flaw(self.place, path, "a YAML tag (`!…`) is not allowed here: remove it, or quote the text")

    def _flaw(self, place: Place, path: KeyPath, text: str) -> None:
        self.flaws.append(Flaw(place=place, path=path, text=text))


def _place_of(event: yaml.Event) -> Place:
    mark = event.start_mark
    assert mark is not None
    return Place(mark.line + 1, mark.column + 1)
