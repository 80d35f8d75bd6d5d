"""What a person reads of an event: a title that says it all, and a body with the facts."""

import re
from datetime import timedelta

from notifier.core.model import (
    AGAIN,
    EXPIRING,
    MISSING,
    STALLED,
    UNKNOWN,
    Event,
    Facts,
    Message,
    Notice,
    ResultsFile,
    Told,
    Transition,
)
from notifier.core.severity import severity_of
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


def message(told: Told) -> Message:
    """The plain message of an event or a notice."""
    if isinstance(told, Notice):
        body = f"{told.body}\nSeen: {told.at:%Y-%m-%d %H:%M:%S} UTC\nEvent: {told.id}"
    else:
        body = "\n".join(_lines(told))
    return Message(title=title_of(told), body=body, severity=severity_of([told]))


def emoji_of(told: Told) -> str:
    """The emoji that a title begins with."""
    if isinstance(told, Notice):
        return _NOTICE
    return _EMOJI.get(told.transition.names[-1], _OTHER)


def title_of(told: Told) -> str:
    """The title: one line that says it all."""
    if isinstance(told, Notice):
        return f"{emoji_of(told)} {one_line(told.title, _LONGEST_IN_TITLE)}"
    name = one_line(told.name, _LONGEST_IN_TITLE) or told.transition.snapshot_id
    return f"{emoji_of(told)} {name}: {_headline(told.transition)}"


def _headline(transition: Transition) -> str:
    facts = transition.facts
    took = f" after {span(duration)}" if (duration := _duration(facts)) is not None else ""
    match transition.names[-1]:
        case "complete":
            records = f", {count(facts.records, 'record')}" if facts.records is not None else ""
            return f"ready{records}{took}"
        case "ready":
            return f"ready{took}, {_untold(facts)}"
        case "partial":
            tally = f": {_tally(facts)}" if _tally(facts) else ""
            untold = "" if tally else ", no counts were given"
            return f"ready with errors{tally}{_codes_in_title(facts)}{took}{untold}"
        case "empty":
            return f"ready but empty: {_tally(facts)}{_codes_in_title(facts)}{took}"
        case "failed":
            reason = _quoted(facts.error_message or "", _LONGEST_IN_TITLE)
            return f"failed{took}: {reason}" if reason else f"failed{took}{_codes_in_title(facts)}"
        case "missing":
            return "missing, Bright Data does not know this snapshot"
        case "stalled":
            since = transition.since
            lasting = "" if since is None else f" after {span(transition.observed_at - since)}"
            return f"stalled, still {_quoted(transition.previous, _LONGEST_IN_TITLE)}{lasting}"
        case "expiring":
            left = "soon" if transition.until is None else f"in {span(transition.until - transition.observed_at)}"
            return f"expiring, the results are deleted {left}"
        case "again":
            return f"{_quoted(transition.status, _LONGEST_IN_TITLE)} again, as before"
        case "canceled":
            return f"{transition.status}{took}"
        case _:
            return _quoted(transition.status, _LONGEST_IN_TITLE)


def codes_of(facts: Facts, most: int = _MOST_CODES, longest: int = _LONGEST_CODE) -> str:
    """The API's error codes with how often each came, the most frequent first: "dead_page × 3, no_peers × 2"."""
    shown = [f"{_quoted(code, longest)} × {number:,}" for code, number in facts.error_codes[:most]]
    more = len(facts.error_codes) - len(shown)
    return f"{', '.join(shown)}{f' and {more} more' if more else ''}"


def _codes_in_title(facts: Facts) -> str:
    return f" ({codes_of(facts, _MOST_CODES_IN_TITLE, _LONGEST_CODE_IN_TITLE)})" if facts.error_codes else ""


def _lines(event: Event) -> list[str]:
    transition = event.transition
    facts = transition.facts
    lines = [f"Snapshot: {transition.snapshot_id}"]
    if dataset := _quoted(facts.dataset_id or "", _LONGEST_IN_TITLE):
        lines.append(f"Dataset: {dataset}")
    if facts.records is not None or facts.errors is not None:
        lines.append(f"{'So far' if transition.status == STALLED else 'Result'}: {_tally(facts)}")
    elif transition.names[-1] == "ready":
        lines.append(f"Result: {_untold(facts)}")
    if facts.error_codes:
        lines.append(f"Error codes: {codes_of(facts)}")
    if reason := _quoted(facts.error_message or "", _LONGEST_REASON):
        lines.append(f"Reason: {reason}")
    if (duration := _duration(facts)) is not None:
        lines.append(f"{'Runs for' if transition.status == STALLED else 'Took'}: {span(duration)}")
    if event.results is not None:
        lines.append(f"File: {_file(event.results)}")
    if transition.status == MISSING:
        lines.append("Check the snapshot's id, and that the token belongs to the account that started it.")
    if transition.status == STALLED:
        lines.append("It is still looked at, and its end will be told.")
    if transition.until is not None:
        lines.append(f"Deleted: about {transition.until:%Y-%m-%d %H:%M} UTC, download before")
    lines.append(f"{'Status' if transition.status in (STALLED, EXPIRING) else 'Before'}: {_previous(transition)}")
    lines.append(f"Seen: {transition.observed_at:%Y-%m-%d %H:%M:%S} UTC{_late(transition.late_by)}")
    if event.labels:
        labels = ", ".join(f"{key}={value}" for key, value in sorted(event.labels.items()))
        lines.append(f"Labels: {one_line(labels, _LONGEST_REASON)}")
    lines.append(f"Event: {event.id}")
    return lines


def _previous(transition: Transition) -> str:
    if transition.previous == UNKNOWN:
        return "not looked at yet"
    since = "" if transition.since is None else f", since {transition.since:%Y-%m-%d %H:%M:%S} UTC"
    return f"{_quoted(transition.previous, _LONGEST_IN_TITLE)}{since}"


def _file(results: ResultsFile) -> str:
    if results.path is not None:
        return one_line(results.path, _LONGEST_REASON)
    trouble = _quoted(results.trouble, _LONGEST_REASON)
    if results.given_up:
        return f"could not be fetched: {trouble}"
    on_its_way = f"on its way to {one_line(results.folder, _LONGEST_REASON)}, more follows"
    return f"{on_its_way}; the last try: {trouble}" if trouble else on_its_way


def _late(late_by: timedelta) -> str:
    return f", up to {span(late_by)} late" if late_by else ""


def _tally(facts: Facts) -> str:
    known = [(facts.records, "record"), (facts.errors, "error")]
    return ", ".join(count(number, noun) for number, noun in known if number is not None)


def _untold(facts: Facts) -> str:
    """What is known of the results of a snapshot that is ready, where that does not say whether they are complete."""
    if facts.records is not None:
        return f"{count(facts.records, 'record')}, no number of errors was given"
    return "no counts were given" if facts.errors is None else "no errors, no number of records was given"


def _duration(facts: Facts) -> timedelta | None:
    return None if facts.duration_ms is None else timedelta(milliseconds=facts.duration_ms)


_MENTION = re.compile(r"@(?=(?:everyone|here|channel|all)\b)|<(?=[!@#])", re.IGNORECASE)
"""What makes a chat call everybody. A watch's name may, the API's words may not."""


def _quoted(text: str, longest: int) -> str:
    """The API's own words as one line that calls nobody: an invisible joiner stands after the sign."""
    return _MENTION.sub(lambda found: f"{found[0]}\N{WORD JOINER}", one_line(text, longest))
