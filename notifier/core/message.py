"""What a person reads of an event: a title that says it all, and a body with the facts."""

from datetime import timedelta

from notifier.core.model import MISSING, UNKNOWN, Event, Facts, Message, Transition
from notifier.core.words import count, span

_EMOJI = {
    "complete": "✅",
    "partial": "⚠️",
    "empty": "📭",
    "failed": "❌",
    "canceled": "🚫",
    MISSING: "❓",
    "starting": "⏳",
    "running": "▶️",
}
_OTHER = "🔔"

_LONGEST_REASON = 500
_MOST_CODES = 8


def message(event: Event) -> Message:
    """The plain message of an event."""
    transition = event.transition
    emoji = _EMOJI.get(transition.names[-1], _OTHER)
    return Message(title=f"{emoji} {_one_line(event.name)}: {_headline(transition)}", body="\n".join(_lines(event)))


def _headline(transition: Transition) -> str:
    facts = transition.facts
    took = f" after {span(duration)}" if (duration := _duration(facts)) is not None else ""
    match transition.names[-1]:
        case "complete":
            records = f", {count(facts.records, 'record')}" if facts.records is not None else ""
            return f"ready{records}{took}"
        case "partial":
            return f"ready with errors, {_tally(facts)}{took}"
        case "empty":
            return f"ready but empty, {_tally(facts)}{took}"
        case "failed":
            reason = f": {_reason(facts.error_message, 120)}" if facts.error_message else ""
            return f"failed{took}{reason}"
        case "missing":
            return "missing, Bright Data does not know this snapshot"
        case _:
            return f"{transition.status}{took}"


def _lines(event: Event) -> list[str]:
    transition = event.transition
    facts = transition.facts
    lines = [f"Snapshot: {transition.snapshot_id}"]
    if facts.dataset_id:
        lines.append(f"Dataset: {facts.dataset_id}")
    if facts.records is not None or facts.errors is not None:
        lines.append(f"Result: {_tally(facts)}")
    if facts.error_codes:
        shown = [f"{code} × {number:,}" for code, number in facts.error_codes[:_MOST_CODES]]
        more = len(facts.error_codes) - len(shown)
        lines.append(f"Error codes: {', '.join(shown)}{f' and {more} more' if more else ''}")
    if facts.error_message:
        lines.append(f"Reason: {_reason(facts.error_message, _LONGEST_REASON)}")
    if (duration := _duration(facts)) is not None:
        lines.append(f"Took: {span(duration)}")
    if transition.status == MISSING:
        lines.append("Check the snapshot's id, and that the token belongs to the account that started it.")
    lines.append(f"Before: {'not looked at yet' if transition.previous == UNKNOWN else transition.previous}")
    lines.append(f"Seen: {transition.observed_at:%Y-%m-%d %H:%M:%S} UTC{_late(transition.late_by)}")
    if event.labels:
        lines.append("Labels: " + ", ".join(f"{key}={value}" for key, value in sorted(event.labels.items())))
    lines.append(f"Event: {event.id}")
    return lines


def _late(late_by: timedelta) -> str:
    return f", up to {span(late_by)} late" if late_by else ""


def _tally(facts: Facts) -> str:
    known = [(facts.records, "record"), (facts.errors, "error")]
    return ", ".join(count(number, noun) for number, noun in known if number is not None)


def _duration(facts: Facts) -> timedelta | None:
    milliseconds = facts.collection_duration_ms if facts.collection_duration_ms is not None else facts.running_time_ms
    return None if milliseconds is None else timedelta(milliseconds=milliseconds)


def _reason(text: str, longest: int) -> str:
    line = _one_line(text)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
