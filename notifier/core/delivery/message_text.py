"""Messages for people: a title that says it all, and a body with the facts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from notifier.core.delivery.model import Deliverable, Event, Message, Notice, ResultsFile
from notifier.core.delivery.severity import severity_of
from notifier.core.snapshot.model import AGAIN, EXPIRING, MISSING, STALLED, UNKNOWN, Facts, Transition
from notifier.core.words import count, one_line, span

_EMOJI = {
    "complete": "✅",
    "ready": "☑️",
    "partial": "⚠️",
    "empty": "📭",
    "failed": "❌",
    "canceled": "🚫",
    MISSING: "❓",
    STALLED: "🐌",
    EXPIRING: "⌛",
    AGAIN: "🔁",
    "starting": "⏳",
    "running": "▶️",
}
_OTHER = "🔔"
_NOTICE = "🛠️"

_LONGEST_IN_TITLE = 120
_LONGEST_REASON = 500
_LONGEST_CODE = 100
_MOST_CODES = 8
_LONGEST_CODE_IN_TITLE = 40
_MOST_CODES_IN_TITLE = 2

Fits = Callable[[Message], bool]
"""Whether a channel takes a message uncut."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """How much of an event a message shows; lengths are in code points.

    Attributes:
        in_title: a name, or a reason, in the title.
        headline: the title without a name, if `in_title` is 0.
        reason: each text by others in the body.
        lines: the labels of the body's lines that are kept; None for all.
    """

    in_title: int = _LONGEST_IN_TITLE
    headline: int = 20
    reason: int = _LONGEST_REASON
    lines: frozenset[str] | None = None


_ROOMS = (
    Room(),
    Room(reason=250),
    Room(reason=120),
    Room(in_title=80, reason=60),
    Room(in_title=60, reason=60, lines=frozenset({"Snapshot", "Result", "Reason", "Deleted", "Event"})),
    Room(in_title=40, reason=40, lines=frozenset({"Snapshot", "Reason", "Event"})),
    Room(in_title=30, reason=0, lines=frozenset({"Snapshot", "Event"})),
    Room(in_title=30, reason=0, lines=frozenset({"Event"})),
    Room(in_title=12, reason=0, lines=frozenset({"Event"})),
    *(Room(in_title=0, headline=most, reason=0, lines=frozenset({"Event"})) for most in (20, 10, 6, 0)),
)
"""From the usual message to the shortest: an emoji for what happened, and the event's id."""


def message(deliverable: Deliverable, room: Room = _ROOMS[0]) -> Message:
    """Return the plain message of an event or a notice."""
    if isinstance(deliverable, Notice):
        said = deliverable.body if room.lines is None else one_line(deliverable.body, room.reason)
        lines = [said, f"Seen: {deliverable.at:%Y-%m-%d %H:%M:%S} UTC"]
        lines = [*(lines if room.lines is None else filter(None, lines[:1])), f"Event: {deliverable.id}"]
    else:
        lines = [
            line for line in _lines(deliverable, room) if room.lines is None or line.partition(":")[0] in room.lines
        ]
    return Message(title=title_of(deliverable, room), body="\n".join(lines), severity=severity_of([deliverable]))


def fitted(deliverable: Deliverable, fits: Fits) -> Message:
    """Return the plain message, with as much of names and reasons as the channel takes; the event's id is never cut.

    If not even the shortest fits, that is returned.
    """
    made = message(deliverable)
    for room in _ROOMS:
        made = message(deliverable, room)
        if fits(made):
            break
    return made


def shortened(event: Event) -> Iterator[Event]:
    """Iterate over the event with less and less of the text of others in it: its reason, its labels and its name."""
    yield event
    for room in _ROOMS:
        facts = event.transition.facts
        reason = one_line(facts.error_message, room.reason) if facts.error_message else facts.error_message
        yield replace(
            event,
            name=one_line(event.name, room.in_title),
            labels={key: one_line(value, room.reason) for key, value in event.labels.items()},
            transition=replace(event.transition, facts=replace(facts, error_message=reason)),
        )


def emoji_of(deliverable: Deliverable) -> str:
    """Return the emoji that a title begins with."""
    if isinstance(deliverable, Notice):
        return _NOTICE
    return _EMOJI.get(deliverable.transition.names[-1], _OTHER)


def title_of(deliverable: Deliverable, room: Room = _ROOMS[0]) -> str:
    """Return the title: one line that says it all."""
    if isinstance(deliverable, Notice):
        return f"{emoji_of(deliverable)} {one_line(deliverable.title, room.in_title or room.headline)}".rstrip()
    headline = _headline(deliverable.transition, room)
    if not room.in_title:
        return f"{emoji_of(deliverable)} {one_line(headline, room.headline)}".rstrip()
    name = one_line(deliverable.name, room.in_title) or deliverable.transition.snapshot_id
    return f"{emoji_of(deliverable)} {name}: {headline}"


def _headline(transition: Transition, room: Room) -> str:
    longest = min(room.in_title, room.reason) or room.headline
    codes = _codes_in_title(transition.facts) if room.reason else ""
    facts = transition.facts
    took = f" after {span(duration)}" if (duration := _duration(facts)) is not None else ""
    match transition.names[-1]:
        case "complete":
            records = f", {count(facts.records, 'record')}" if facts.records is not None else ""
            return f"ready{records}{took}"
        case "ready":
            return f"ready{took}, {_unknown_counts(facts)}"
        case "partial":
            tally = f": {_tally(facts)}" if _tally(facts) else ""
            no_counts = "" if tally else ", no counts were given"
            return f"ready with errors{tally}{codes}{took}{no_counts}"
        case "empty":
            return f"ready but empty: {_tally(facts)}{codes}{took}"
        case "failed":
            reason = one_line(facts.error_message or "", longest if room.reason else 0)
            return f"failed{took}: {reason}" if reason else f"failed{took}{codes}"
        case "missing":
            return "missing, Bright Data does not know this snapshot"
        case "stalled":
            since = transition.since
            lasting = "" if since is None else f" after {span(transition.observed_at - since)}"
            return f"stalled, still {one_line(transition.previous, longest)}{lasting}"
        case "expiring":
            left = "soon" if transition.until is None else f"in {span(transition.until - transition.observed_at)}"
            return f"expiring, the results are deleted {left}"
        case "again":
            return f"{one_line(transition.status, longest)} again, as before"
        case "canceled":
            return f"{transition.status}{took}"
        case _:
            return one_line(transition.status, longest)


def codes_of(facts: Facts, most: int = _MOST_CODES, longest: int = _LONGEST_CODE) -> str:
    """Return the API's error codes with their counts, the most frequent first: "dead_page × 3, no_peers × 2"."""
    shown = [f"{one_line(code, longest)} × {number:,}" for code, number in facts.error_codes[:most]]
    more = len(facts.error_codes) - len(shown)
    return f"{', '.join(shown)}{f' and {more} more' if more else ''}"


def _codes_in_title(facts: Facts) -> str:
    return f" ({codes_of(facts, _MOST_CODES_IN_TITLE, _LONGEST_CODE_IN_TITLE)})" if facts.error_codes else ""


def _lines(event: Event, room: Room) -> list[str]:
    transition = event.transition
    facts = transition.facts
    lines = [f"Snapshot: {transition.snapshot_id}"]
    if dataset := one_line(facts.dataset_id or "", _LONGEST_IN_TITLE):
        lines.append(f"Dataset: {dataset}")
    if facts.records is not None or facts.errors is not None:
        lines.append(f"{'So far' if transition.status == STALLED else 'Result'}: {_tally(facts)}")
    elif transition.names[-1] == "ready":
        lines.append(f"Result: {_unknown_counts(facts)}")
    if facts.error_codes:
        lines.append(f"Error codes: {codes_of(facts)}")
    if reason := one_line(facts.error_message or "", room.reason):
        lines.append(f"Reason: {reason}")
    if (duration := _duration(facts)) is not None:
        lines.append(f"{'Runs for' if transition.status == STALLED else 'Took'}: {span(duration)}")
    if event.results is not None:
        lines.append(f"File: {_file(event.results, room.reason)}")
    if transition.status == MISSING:
        lines.append("Check the snapshot's id, and that the token belongs to the account that started it.")
    if transition.status == STALLED:
        lines.append("It is still polled, and a message about its end will follow.")
    if transition.until is not None:
        lines.append(f"Deleted: about {transition.until:%Y-%m-%d %H:%M} UTC, download before")
    lines.append(f"{'Status' if transition.status in (STALLED, EXPIRING) else 'Before'}: {_previous(transition)}")
    lines.append(f"Seen: {transition.observed_at:%Y-%m-%d %H:%M:%S} UTC{_late(transition.late_by)}")
    if event.labels:
        labels = ", ".join(f"{key}={value}" for key, value in sorted(event.labels.items()))
        lines.append(f"Labels: {one_line(labels, room.reason)}")
    lines.append(f"Event: {event.id}")
    return lines


def _previous(transition: Transition) -> str:
    if transition.previous == UNKNOWN:
        return "not polled yet"
    since = "" if transition.since is None else f", since {transition.since:%Y-%m-%d %H:%M:%S} UTC"
    return f"{one_line(transition.previous, _LONGEST_IN_TITLE)}{since}"


def _file(results: ResultsFile, longest: int) -> str:
    if results.path is not None:
        return one_line(results.path, longest)
    trouble = one_line(results.trouble, longest)
    if results.given_up:
        return f"could not be fetched: {trouble}"
    on_its_way = f"on its way to {one_line(results.folder, longest)}, more follows"
    return f"{on_its_way}; the last try: {trouble}" if trouble else on_its_way


def _late(late_by: timedelta) -> str:
    return f", up to {span(late_by)} late" if late_by else ""


def _tally(facts: Facts) -> str:
    known = [(facts.records, "record"), (facts.errors, "error")]
    return ", ".join(count(number, noun) for number, noun in known if number is not None)


def _unknown_counts(facts: Facts) -> str:
    """Say what is known about the results of a ready snapshot whose counts do not say whether they are complete."""
    return ", ".join(filter(None, (_tally(facts), counts_not_given(facts))))


def counts_not_given(facts: Facts) -> str:
    """Say which of the two counts Bright Data did not give; empty if it gave both."""
    match facts.records, facts.errors:
        case None, None:
            return "no counts were given"
        case _, None:
            return "no number of errors was given"
        case None, _:
            return "no number of records was given"
        case _:
            return ""


def _duration(facts: Facts) -> timedelta | None:
    return None if facts.duration_ms is None else timedelta(milliseconds=facts.duration_ms)
