"""Shell completion for watches, channels, snapshots, datasets, deliveries and events.

The user waits for it in the middle of a line. So it reads a bounded amount, imports nothing heavy and never fails:
what cannot be read has no completions, and `silence` suppresses all other output.
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
    from notifier.store.completion_names import StoredNames

VARIABLE = "_NOTIFIER_COMPLETE"
"""Set by the completion script of the shell; its value names the shell. Typer makes the name."""

Completions = list[str | tuple[str, str]]
"""Words, or words with a short help text that zsh and fish show."""

_RETRYABLE = ("dead", "uncertain", "retrying")
_NEEDS_ESCAPE = re.compile(r"[^\w@%+,./-]")


def is_asked() -> bool:
    """Return whether the shell started this process for completions."""
    return VARIABLE in os.environ


def silence() -> None:
    """Send standard error to /dev/null, so that nothing appears in the line that the user is typing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


class _Word(str):
    """A word with its special characters escaped when it is printed, but not when Typer compares it."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return _NEEDS_ESCAPE.sub(r"\\\g<0>", self)


def _for_shell(word: str) -> str:
    """Return the word in the form for this shell. zsh and fish quote it themselves, bash only inside open quotes."""
    if os.environ.get(VARIABLE) != "complete_bash":
        return word
    words = os.environ.get("COMP_WORDS", "").split("\n")
    at = os.environ.get("COMP_CWORD", "")
    written = words[int(at)] if at.isdecimal() and int(at) < len(words) else ""
    return word if written.startswith(('"', "'")) else _Word(word)


Source = Callable[[typer.Context, str], Iterable[tuple[str, str]]]


def _completing(source: Source) -> Callable[[typer.Context, str], Completions]:
    """Return the callback for Typer: the words that begin with what was typed, each once, and none after an error."""

    @wraps(source)
    def complete(ctx: typer.Context, incomplete: str) -> Completions:
        try:
            found: dict[str, str] = {}
            for word, text in source(ctx, incomplete):
                if word.startswith(incomplete):
                    found.setdefault(word, text)
        except Exception:  # noqa: BLE001 - an error cannot be shown in the middle of the user's line
            return []
        return [(_for_shell(word), text) for word, text in found.items()]

    return complete


@_completing
def watch(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete watches by id, and by name once something was typed."""
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
    """Complete muted watches."""
    configured, stored = _names(ctx)
    for each in stored.muted(incomplete) if stored else ():
        yield each, configured.watches.get(each, "")


@_completing
def configured_watch(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete configured watches, without the snapshots that the watch of a dataset found."""
    configured, _ = _names(ctx)
    yield from configured.watches.items()


@_completing
def snapshot(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete snapshots that are configured or were seen."""
    configured, stored = _names(ctx)
    yield from ((each, configured.watches.get(each, "")) for each in configured.snapshots)
    yield from _plain(stored.snapshots(incomplete) if stored else ())


@_completing
def unwatched_snapshot(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete snapshots that were seen and have no watch of their own; with --dataset, such datasets."""
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
    """Complete datasets that are configured or were listed."""
    configured, stored = _names(ctx)
    yield from ((each, configured.watches.get(each, "")) for each in configured.datasets)
    yield from _plain(stored.datasets(incomplete) if stored else ())


@_completing
def channel(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete configured channels."""
    yield from _plain(_names(ctx)[0].channels)


@_completing
def notified_channel(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete channels that are configured or have had a delivery."""
    configured, stored = _names(ctx)
    yield from _plain(configured.channels)
    yield from _plain(stored.channels(incomplete) if stored else ())


@_completing
def delivery(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete the newest deliveries by number."""
    _, stored = _names(ctx)
    yield from stored.deliveries(incomplete) if stored else ()


@_completing
def retryable_delivery(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete the newest deliveries that can be sent again, by number."""
    _, stored = _names(ctx)
    yield from stored.deliveries(incomplete, _RETRYABLE) if stored else ()


@_completing
def event(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete the known event names, those in the files, and the statuses that snapshots have had."""
    from notifier.core.snapshot.statuses import ENDS, IN_PROGRESS, NAMES

    yield from _plain([*sorted(ENDS | NAMES), "all", *sorted(IN_PROGRESS)])
    configured, stored = _names(ctx)
    yield from _plain(configured.words)
    yield from _plain(stored.statuses(incomplete) if stored else ())


def _plain(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((word, "") for word in words)


def _names(ctx: typer.Context) -> "tuple[ConfiguredNames, StoredNames | None]":
    """Return the names in the configuration that the command would read, and those in its database."""
    from notifier.config.completion_names import ConfiguredNames, configured_names
    from notifier.store.completion_names import StoredNames

    if ctx.params.get("url"):
        return ConfiguredNames(), None  # the shell does not wait for another machine
    given = ctx.params.get("config")
    path = account_config(given if isinstance(given, Path) else None)
    configured = ConfiguredNames() if path is None else configured_names(path, os.environ)
    return configured, StoredNames(configured.database) if configured.database else None
