"""A YAML file as a tree that knows where in the file each of its keys and values stands."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from notifier.core.words import MASK, safe

KeyPath = tuple[str | int, ...]
"""The way to a value: names of keys and positions in lists, as `("watches", 3, "every")`."""

ANY = "*"
"""In the pattern of a path: any name or position."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_LONGEST_KEY = 40


class Place(NamedTuple):
    """A position in a file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Flaw:
    """Something wrong at one place of one file. Without a place, it is the file as a whole."""

    place: Place | None = None
    path: KeyPath = ()
    text: str


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single value, resolved by the rules of YAML 1.2."""

    place: Place
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    place: Place
    items: list["Node"]


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping; its place is that of its first key. An aliased value is one node that stands at several keys."""

    place: Place
    keys: dict[str, Place]
    values: dict[str, "Node"]


Node = ScalarNode | ListNode | MappingNode


class Located(NamedTuple):
    """How far a path could be followed: the part that exists, the key's place (the value's in a list), the value."""

    path: KeyPath
    key_place: Place
    node: Node


def locate(root: Node, path: KeyPath) -> Located:
    """Follow a path as far as the tree has it: what validation names may be missing, or be a short form's own."""
    node, key_place = root, root.place
    for depth, step in enumerate(path):
        if isinstance(node, MappingNode) and isinstance(step, str) and step in node.values:
            key_place, node = node.keys[step], node.values[step]
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            key_place = node.place
        else:
            return Located(path[:depth], key_place, node)
    return Located(path, key_place, node)


def path_text(path: KeyPath) -> str:
    """The path as users read it, `watches[3].every`. A key that may hold a secret (a URL) is not shown."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{key_text(step)}" if text else key_text(step)
    return text


def key_text(key: str) -> str:
    """A key as users read it: itself, or in quotes when it is an odd one, shortened, without control characters."""
    if _PLAIN_KEY.fullmatch(key):
        return key
    if "://" in key:
        return MASK
    shown = safe(key[:_LONGEST_KEY], "?")
    return f'"{shown}{"…" if len(key) > _LONGEST_KEY else ""}"'
