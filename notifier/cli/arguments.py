"""Checks the values of arguments and options: ids, watches, channels, durations."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from notifier.core.errors import UsageError
from notifier.core.snapshot.ids import flaw_of_id

if TYPE_CHECKING:
    from notifier.config.model import Config


def checked_ids(argument: str, ids: Sequence[str]) -> list[str]:
    """Return the ids of snapshots or datasets, each once.

    Raises:
        UsageError: one cannot be an id; the text says what it looks like instead.
    """
    for each in ids:
        if flaw := flaw_of_id(each):
            raise UsageError(f"{argument}: {quoted(each)} cannot be an id: {flaw}")
    return list(dict.fromkeys(ids))


def checked_id(argument: str, text: str) -> str:
    """Return one id, checked as by `checked_ids`."""
    return checked_ids(argument, [text])[0]


def quoted(text: str, longest: int = 60) -> str:
    """Return a user's text as an error quotes it: in quotes, shortened, invisible characters escaped."""
    return repr(text if len(text) <= longest else f"{text[:longest]}…")


def watch_id(found: "Config", watch: str) -> str:
    """Return the id of the watch with this id, snapshot, dataset or name.

    Raises:
        UsageError: there is none, or there are several.
    """
    from notifier.core.delivery.routing import family
    from notifier.core.snapshot.model import ADOPTED

    names: dict[str, tuple[str, ...]] = {each.id: (each.id, each.snapshot_id, each.name) for each in found.watches}
    names |= {each.id: (each.id, each.dataset_id, each.name) for each in found.datasets}
    if found.hooks is not None:
        names[ADOPTED] = (ADOPTED,)
    matching = [each for each, known in names.items() if watch in known]
    if any(parent in family(watch)[1:] for parent in (ADOPTED, *(each.id for each in found.datasets))):
        matching.append(watch)  # a snapshot found by the watch of a dataset, or adopted
    if len(matching) == 1:
        return matching[0]
    raise no_watch(watch, len(matching), (name for known in names.values() for name in known))


def no_watch(watch: str, number: int, known: Iterable[str]) -> UsageError:
    """Return the error for a watch that none, or several (`number`), are called, with a suggestion."""
    if number:
        return UsageError(
            f"several watches are called {watch!r}: name one by its id; `notifier watch list` shows the ids"
        )
    from notifier.core.suggestions import did_you_mean

    near = did_you_mean(watch, set(known))
    return UsageError(f"there is no watch {watch!r}{near or '; `notifier watch list` shows all watches'}")


def no_channel(name: str, known: Iterable[str]) -> UsageError:
    """Return the error for an unknown channel, with a suggestion or the names of all channels."""
    from notifier.core.suggestions import did_you_mean

    names = sorted(known)
    near = did_you_mean(name, names) or f"; the channels are {', '.join(names) or 'none'}"
    return UsageError(f"there is no channel {quoted(name)}{near}")


def duration_option(option: str, text: str | None) -> timedelta | None:
    """Return the duration of an option; None if the option was not given.

    Raises:
        UsageError: the text is no duration.
    """
    from notifier.config.values.durations import parse

    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def earliest(since: str) -> datetime:
    """Return the time that `--since` reaches back to.

    Raises:
        UsageError: the text is no duration.
    """
    back = duration_option("--since", since)
    assert back is not None
    return datetime.now(UTC) - back
