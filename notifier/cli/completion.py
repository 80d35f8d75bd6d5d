"""What the shell completes: watches, channels, snapshots, datasets, deliveries and events, by their names.

A user waits for it at every TAB, in the middle of a line. So it reads only what is quick to read, imports nothing
heavy, and never complains: what cannot be told has no completions, and `silence` sees that nothing else is printed.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from notifier.cli.options import account_config

if TYPE_CHECKING:
    from notifier.config.completion_names import ConfiguredNames
    from notifier.store.names import StoredNames

VARIABLE = "_NOTIFIER_COMPLETE"
"""By this the shell says that it asks for completions, and which shell it is. Its name is Typer's rule."""

Completions = list[str | tuple[str, str]]
"""Words, or words with a short help, which zsh and fish show."""

_SENDABLE = ("dead", "uncertain", "retrying")
_ODD = re.compile(r"[^\w@%+,./-]")


def is_asked() -> bool:
    """Whether this process was started by a shell for completions."""
    return VARIABLE in os.environ


def silence() -> None:
    """Let nothing reach the line that the user is writing: standard error goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


class _Word(str):
    """A word that bash gets quoted. Typer compares it with what was typed, which is not: so it is only printed so."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return _ODD.sub(r"\\\g<0>", self)


def _for_shell(word: str) -> str:
    """The word as Typer may print it for this shell. zsh and fish quote by themselves, bash only in open quotes."""
    if os.environ.get(VARIABLE) != "complete_bash":
        return word
    words = os.environ.get("COMP_WORDS", "").split("\n")
    at = os.environ.get("COMP_CWORD", "")
    written = words[int(at)] if at.isdecimal() and int(at) < len(words) else ""
    return word if written.startswith(('"', "'")) else _Word(word)


Source = Callable[[typer.Context, str], Iterable[tuple[str, str]]]


def _completing(source: Source) -> Callable[[typer.Context, str], Completions]:
    """What Typer calls: the source's words that begin as it was typed, each once; none, whatever goes wrong."""

    @wraps(source)
    def complete(ctx: typer.Context, incomplete: str) -> Completions:
        try:
            found: dict[str, str] = {}
            for word, text in source(ctx, incomplete):
                if word.startswith(incomplete):
                    found.setdefault(word, text)
        except Exception:  # noqa: BLE001 - in the middle of the user's line there is no place to complain
            return []
        return [(_for_shell(word), text) for word, text in found.items()]

    return complete


@_completing
def watch(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Watches by their ids, and by their names once something was typed."""
    configured, stored = _names(ctx)
    yield from configured.watches.items()
    if incomplete:
        yield from _plain(name for name in configured.watches.values() if name)
        yield from _plain(configured.snapshots + configured.datasets)
    for each in stored.watches(incomplete) if stored else ():
        parent, parted, _ = each.partition("/")
        if configured.cut or (parted and parent in configured.watches):
            yield each, ""


@_completing
def muted_watch(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Watches that are muted."""
    configured, stored = _names(ctx)
    for each in stored.muted(incomplete) if stored else ():
        yield each, configured.watches.get(each, "")


@_completing
def configured_watch(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Watches that stand in a file: not those that the watch of a dataset found."""
    configured, _ = _names(ctx)
    yield from configured.watches.items()


@_completing
def snapshot(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Snapshots that are configured or were seen."""
    configured, stored = _names(ctx)
    yield from ((each, configured.watches.get(each, "")) for each in configured.snapshots)
    yield from _plain(stored.snapshots(incomplete) if stored else ())


@_completing
def unwatched_snapshot(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """What may get a watch of its own: snapshots that were seen and have none, or, with --dataset, such datasets."""
    configured, stored = _names(ctx)
    if stored is not None:
        found, known = (
            (stored.datasets(incomplete), configured.datasets)
            if ctx.params.get("dataset")
            else (stored.snapshots(incomplete), configured.snapshots)
        )
        yield from _plain(each for each in found if each not in known)


@_completing
def dataset(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Datasets that are configured or were listed."""
    configured, stored = _names(ctx)
    yield from ((each, configured.watches.get(each, "")) for each in configured.datasets)
    yield from _plain(stored.datasets(incomplete) if stored else ())


@_completing
def channel(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Channels that are configured."""
    yield from _plain(_names(ctx)[0].channels)


@_completing
def notified_channel(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Channels that are configured or were once told something."""
    configured, stored = _names(ctx)
    yield from _plain(configured.channels)
    yield from _plain(stored.channels(incomplete) if stored else ())


@_completing
def delivery(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """The newest deliveries by their numbers."""
    _, stored = _names(ctx)
    yield from stored.deliveries(incomplete) if stored else ()


@_completing
def retryable_delivery(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """The newest deliveries that can be sent again, by their numbers."""
    _, stored = _names(ctx)
    yield from stored.deliveries(incomplete, _SENDABLE) if stored else ()


@_completing
def event(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """The event names that are known, that the files ask for, and that snapshots have had."""
    from notifier.core.snapshot.statuses import ENDS, IN_PROGRESS, NAMES

    yield from _plain([*sorted(ENDS | NAMES), "all", *sorted(IN_PROGRESS)])
    configured, stored = _names(ctx)
    yield from _plain(configured.words)
    yield from _plain(stored.statuses(incomplete) if stored else ())


def _plain(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((word, "") for word in words)


def _names(ctx: typer.Context) -> "tuple[ConfiguredNames, StoredNames | None]":
    """What stands in the configuration that the command would take, and in its database."""
    from notifier.config.completion_names import ConfiguredNames, configured_names
    from notifier.store.names import StoredNames

    given = ctx.params.get("config")
    path = account_config(given if isinstance(given, Path) else None)
    configured = ConfiguredNames() if path is None else configured_names(path, os.environ)
    return configured, StoredNames(configured.database) if configured.database else None
