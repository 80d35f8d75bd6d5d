"""What the values of arguments and options mean: ids, watches, channels, durations."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from notifier.core.errors import UsageError
from notifier.core.snapshot.ids import flaw_of_id

if TYPE_CHECKING:
    from notifier.config.model import Config


def checked_ids(argument: str, ids: Sequence[str]) -> list[str]:
    """The ids of snapshots or datasets as they were given, each once.

    Raises:
        UsageError: one cannot be an id; the text says what it looks like instead.
    """
    for each in ids:
        if flaw := flaw_of_id(each):
            raise UsageError(f"{argument}: {quoted(each)} cannot be an id: {flaw}")
    return list(dict.fromkeys(ids))


def checked_id(argument: str, text: str) -> str:
    """The one id that was given; see `checked_ids`."""
    return checked_ids(argument, [text])[0]


def quoted(text: str, longest: int = 60) -> str:
    """What a user gave, as an error may repeat it: in quotes, shortened, what is invisible in it escaped."""
    return repr(text if len(text) <= longest else f"{text[:longest]}…")


def watch_id(found: "Config", watch: str) -> str:
    """The id of the one watch that is meant by its id, its snapshot, its dataset or its name.

    Raises:
        UsageError: none is, or several are.
    """
    from notifier.core.delivery.routing import family

    names = {each.id: (each.id, each.snapshot_id, each.name) for each in found.watches}
    names |= {each.id: (each.id, each.dataset_id, each.name) for each in found.datasets}
    matching = [each for each, known in names.items() if watch in known]
    if any(each.id in family(watch)[1:] for each in found.datasets):
        matching.append(watch)  # a snapshot that the watch of a dataset found
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UsageError(f"there is more than one watch {watch!r}; `notifier watch list` shows them, with their ids")
    from notifier.core.suggestions import did_you_mean

    near = did_you_mean(watch, {name for known in names.values() for name in known})
    raise UsageError(f"there is no watch {watch!r}{near or '; `notifier watch list` shows those there are'}")


def no_channel(name: str, known: Iterable[str]) -> UsageError:
    """The error that there is no channel of this name, with the one that was meant or those there are."""
    from notifier.core.suggestions import did_you_mean

    names = sorted(known)
    near = did_you_mean(name, names) or f"; there are: {', '.join(names) or 'none'}"
    return UsageError(f"there is no channel {quoted(name)}{near}")


def duration_option(option: str, text: str | None) -> timedelta | None:
    """The duration that an option was given.

    Raises:
        UsageError: it is none.
    """
    from notifier.config.values.durations import parse

    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def earliest(since: str) -> datetime:
    """The time that lies as far back as `--since` says.

    Raises:
        UsageError: it is no duration.
    """
    back = duration_option("--since", since)
    assert back is not None
    return datetime.now(UTC) - back
