"""The tree of a YAML file, with the place of every key and value."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from notifier.core.words import MASK, safe

KeyPath = tuple[str | int, ...]
"""The path to a value: keys and list indices, such as `("watches", 3, "every")`."""

ANY = "*"
"""Matches any key or index in the pattern of a path."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_LONGEST_KEY = 40


class Place(NamedTuple):
    """A position in a file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Flaw:
    """An error at one place of a file. Without a place, it concerns the whole file."""

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
    """A mapping. Its place is that of its first key. An aliased value is one node at several keys."""

    place: Place
    keys: dict[str, Place]
    values: dict[str, "Node"]


Node = ScalarNode | ListNode | MappingNode


class Located(NamedTuple):
    """The existing part of a path, the place of its last key (in a list, of the value), and the value."""

    path: KeyPath
    key_place: Place
    node: Node


def locate(root: Node, path: KeyPath) -> Located:
    """Follow a path as far as it exists: a key may be missing, or belong to the long form of a short value."""
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
    """Return the path for users, `watches[3].every`. A key that may be a secret (a URL) is masked."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{key_text(step)}" if text else key_text(step)
    return text


def key_text(key: str) -> str:
    """Return a key for users. An unusual one is quoted, shortened, and stripped of control characters."""
    if _PLAIN_KEY.fullmatch(key):
        return key
    if "://" in key:
        return MASK
    shown = safe(key[:_LONGEST_KEY], "?")
    return f'"{shown}{"…" if len(key) > _LONGEST_KEY else ""}"'
