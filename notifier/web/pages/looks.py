"""How statuses, states and conditions look: a tone, an icon and a word, so that colour alone never tells.

The tone gives the colour in app.css; the icon is a symbol of templates/icons.html.
"""

from dataclasses import dataclass

from notifier.core.delivery.states import OPEN
from notifier.core.resources import SnapshotResource
from notifier.core.snapshot.model import EXPIRING, MISSING, STALLED, UNKNOWN
from notifier.core.snapshot.statuses import Phase, canonical, phase_of
from notifier.web.pages.formats import words


@dataclass(frozen=True, slots=True)
class Look:
    """A tone (good, warn, bad, active, idle), the name of an icon, and a word."""

    tone: str
    icon: str
    word: str


def of_status(status: str, records: int | None = None, errors: int | None = None) -> Look:
    """Return the look of a snapshot's status; that of a ready one depends on its counts."""
    if status == MISSING:
        return Look("bad", "missing", status)
    match phase_of(status):
        case Phase.UNKNOWN:
            return Look("idle", "unknown", "not polled yet" if status == UNKNOWN else words(status))
        case Phase.ENDED:
            return _of_end(canonical(status), records, errors)
        case _:
            return Look("active", "running", words(status))


def of_watch(watch: SnapshotResource) -> Look:
    """Return the look of a watched snapshot; one without a status says what its last poll answered."""
    if watch.status == UNKNOWN and watch.last_poll is not None:
        return Look("idle", "unknown", "not found yet" if watch.last_answer == NOT_FOUND else "no status yet")
    return of_status(watch.status, watch.records, watch.errors)


NOT_FOUND = "not_found"

_ANSWERS = {
    NOT_FOUND: "last poll: not found, confirming",
    "connection": "last poll: Bright Data could not be reached",
    "timeout": "last poll: no answer in time",
}


def answer_words(watch: SnapshotResource) -> str:
    """Return what the last poll of a snapshot answered; empty if that was its status, or if it has ended."""
    answer = watch.last_answer
    if not answer or has_ended(watch.status) or answer in (watch.status, "listed"):
        return ""
    if watch.status == MISSING and answer == NOT_FOUND:
        return ""
    return _ANSWERS.get(answer) or f"last poll: {words(answer)}"


def _of_end(status: str, records: int | None, errors: int | None) -> Look:
    if status == "failed":
        return Look("bad", "failed", status)
    if status != "ready":
        return Look("warn", "canceled", status)
    if records == 0:
        return Look("warn", "empty", "ready, empty")
    if errors:
        return Look("warn", "partial", "ready, partial")
    return Look("good", "ready", status)


_EVENTS = {
    STALLED: Look("warn", "late", STALLED),
    EXPIRING: Look("warn", "late", EXPIRING),
    "unusual": Look("warn", "partial", "unusual"),
    "partial": Look("warn", "partial", "ready, partial"),
    "empty": Look("warn", "empty", "ready, empty"),
}


def of_event(status: str, names: tuple[str, ...] = ()) -> Look:
    """Return the look of an event by its most specific name."""
    return _EVENTS.get(names[-1] if names else status) or of_status(status)


_STATES = {
    "pending": Look("active", "waiting", "waiting"),
    "sending": Look("active", "running", "being sent"),
    "delivered": Look("good", "ready", "delivered"),
    "retrying": Look("warn", "retrying", "not delivered yet"),
    "uncertain": Look("warn", "unknown", "uncertain"),
    "dead": Look("bad", "failed", "dead"),
    "dropped": Look("idle", "canceled", "dropped"),
}


def is_open(state: str) -> bool:
    """Return whether a delivery waits or is sent."""
    return state in OPEN


def of_delivery(state: str) -> Look:
    """Return the look of a delivery's state."""
    return _STATES.get(state) or Look("idle", "unknown", words(state))


_OUTCOMES = {
    "delivered": Look("good", "ready", "delivered"),
    "retry": Look("warn", "retrying", "not delivered"),
    "permanent": Look("bad", "failed", "refused"),
    "uncertain": Look("warn", "unknown", "uncertain"),
}


def of_attempt(outcome: str) -> Look:
    """Return the look of an attempt's outcome."""
    return _OUTCOMES.get(outcome) or Look("idle", "unknown", words(outcome))


def has_ended(status: str) -> bool:
    """Return whether a snapshot has ended, so that it is not polled again."""
    return phase_of(status) is Phase.ENDED


BROKEN = Look("bad", "failed", "broken")
WORKS = Look("good", "ready", "works")
UNUSED = Look("idle", "unknown", "nothing sent yet")
HELD = {
    "quiet": Look("idle", "quiet", "quiet hours"),
    "waiting": Look("active", "waiting", "waiting"),
    "retrying": Look("warn", "retrying", "trying again"),
    "failing": Look("warn", "retrying", "one try at a time"),
}


def of_channel(*, broken: bool, succeeded: bool) -> Look:
    """Return the look of a channel: broken, working, or not used yet."""
    if broken:
        return BROKEN
    return WORKS if succeeded else UNUSED
