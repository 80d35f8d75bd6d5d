"""What the configuration will know and this version does not: said clearly, each with what to do instead.

An entry is taken out of the table when its feature comes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from notifier.config.nodes import ANY, Flaw, KeyPath, Node, locate


@dataclass(frozen=True, kw_only=True, slots=True)
class NotYet:
    """A key of the future: its path, where `ANY` is any name or position, and the answer.

    `fine` are the values that mean nothing new.
    """

    path: tuple[str, ...]
    text: str
    fine: Callable[[object], bool] = lambda value: False


TABLE = (
    NotYet(path=("heartbeat",), text="a heartbeat is not supported yet: take it out"),
    NotYet(
        path=("http",),
        text="the status page is not supported yet: write `http: off`, or take it out",
        fine=lambda value: value == "off",
    ),
)


def take_out(data: object, root: Node) -> list[Flaw]:
    """Take every key of the future out of a file's data; the answers to them."""
    flaws: list[Flaw] = []
    for entry in TABLE:
        for path, parent in _parents(data, entry.path[:-1], ()):
            key = entry.path[-1]
            if key not in parent or entry.fine(parent[key]):
                continue
            del parent[key]
            flaws.append(Flaw(place=locate(root, (*path, key)).key_place, path=(*path, key), text=entry.text))
    return flaws


def _parents(data: object, pattern: tuple[str, ...], path: KeyPath) -> Iterator[tuple[KeyPath, dict[str, object]]]:
    if not pattern:
        if isinstance(data, dict):
            yield path, data
        return
    step, *rest = pattern
    children: Iterator[tuple[str | int, object]] = iter(())
    if step != ANY:
        if isinstance(data, dict) and step in data:
            children = iter([(step, data[step])])
    elif isinstance(data, dict):
        children = iter(data.items())
    elif isinstance(data, list):
        children = iter(enumerate(data))
    for key, child in children:
        yield from _parents(child, tuple(rest), (*path, key))
