"""Collects what changed since the last message to the open pages, by the outcomes that are reported.

Topics are what a page can show: `watch:ID`, `channel:NAME`, `delivery:ID` and `dataset:ID` for one of a kind;
`watches`, `deliveries`, `channels`, `conditions` and `configuration` for lists.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from notifier.core.delivery.message_text import title_of
from notifier.core.delivery.model import Event, Severity
from notifier.core.delivery.routing import family
from notifier.core.delivery.severity import severity_of
from notifier.core.health.api import ApiNews
from notifier.core.health.store import StoreNews
from notifier.core.outcomes import (
    AnyOutcome,
    ChannelChange,
    DeliveryOutcome,
    DownloadOutcome,
    DroppedDeliveries,
    HttpListening,
    ListOutcome,
    PollOutcome,
    ReloadOutcome,
)
from notifier.core.snapshot.rotation import TrustNews
from notifier.core.work_units import UnitFault

WATCHES, DELIVERIES, CHANNELS = "watches", "deliveries", "channels"
CONDITIONS, CONFIGURATION = "conditions", "configuration"

MOST_TOPICS = 400
"""Beyond so many, a message says only that much has changed: the pages read themselves again."""

MOST_POLLED = 200
"""Times of polls in one message. With more watches than this a second, nobody follows them with the eye."""

MOST_SAID = 5
"""Sentences in one message for a screen reader."""

_WORTH_SAYING = frozenset({Severity.WARNING, Severity.FAILURE})


@dataclass(kw_only=True, slots=True)
class Changes:
    """What changed. A `dict` without values is a set that keeps its order.

    Attributes:
        topics: what changed.
        polled: the last and the next poll by topic.
        said: sentences for a screen reader, by the topic that they are about.
        unsaid: how many more there would be.
        everything: so much changed, or such, that pages have to read themselves again.
    """

    topics: dict[str, None] = field(default_factory=dict)
    polled: dict[str, tuple[datetime, datetime | None]] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    unsaid: int = 0
    everything: bool = False

    def __bool__(self) -> bool:
        return bool(self.topics or self.polled or self.everything)

    def note(self, outcome: AnyOutcome, now: datetime) -> bool:
        """Note what an outcome changed; return whether it was more than the times of a poll."""
        match outcome:
            case PollOutcome():
                return self._polled(outcome, now)
            case DeliveryOutcome(delivery=delivery):
                topics = [f"delivery:{delivery.id}", f"channel:{delivery.channel}", DELIVERIES, CHANNELS]
                if isinstance(delivery.event, Event):
                    topics += _of(delivery.event.watch_id)
                return self.add(*topics)
            case ListOutcome() if not (outcome.found or outcome.baseline or outcome.refusal or outcome.unclear):
                self._poll_ended(f"dataset:{outcome.dataset_id}", now, outcome.pause)
                return False
            case _:
                topics = list(_topics(outcome))
                self.everything |= isinstance(outcome, ReloadOutcome) and outcome.done
                return self.add(*topics)

    def add(self, *topics: str) -> bool:
        """Note that these changed; return whether there were any."""
        self.topics.update(dict.fromkeys(topics))
        if len(self.topics) > MOST_TOPICS:
            self.everything = True
            self.topics.clear()
        return bool(topics)

    def _polled(self, outcome: PollOutcome, now: datetime) -> bool:
        watch = outcome.watch
        if outcome.refusal is not None:
            self.add(CONDITIONS)
        if outcome.observation is not None:
            self._poll_ended(f"watch:{watch.id}", now, outcome.pause)
        if not outcome.committed:
            return outcome.refusal is not None
        topics = [WATCHES, *_of(watch.id)]
        for committed in outcome.committed:
            dataset = committed.event.transition.facts.dataset_id
            topics += [f"dataset:{dataset}"] if dataset is not None else []
            topics += [f"channel:{channel}" for channel in committed.channels]
            topics += [DELIVERIES, CHANNELS] if committed.channels else []
            self._say(f"watch:{watch.id}", committed.event)
        return self.add(*topics)

    def _poll_ended(self, topic: str, now: datetime, pause: timedelta | None) -> None:
        if len(self.polled) < MOST_POLLED:
            self.polled[topic] = now, None if pause is None else now + pause

    def _say(self, topic: str, event: Event) -> None:
        if severity_of([event]) not in _WORTH_SAYING:
            return
        if len(self.said) < MOST_SAID or topic in self.said:
            self.said[topic] = title_of(event)
        else:
            self.unsaid += 1


def _of(watch_id: str) -> list[str]:
    return [f"watch:{each}" for each in family(watch_id)]


def _topics(outcome: AnyOutcome) -> Iterator[str]:
    match outcome:
        case ListOutcome():
            yield f"dataset:{outcome.dataset_id}"
            yield WATCHES
            if outcome.refusal is not None:
                yield CONDITIONS
        case DroppedDeliveries(channel=channel):
            yield from (f"channel:{channel}", CHANNELS, DELIVERIES)
        case ChannelChange(channel=channel):
            yield from (f"channel:{channel}", CHANNELS, CONDITIONS)
        case DownloadOutcome(job=job):
            yield from _of(job.event.watch_id)
        case ReloadOutcome():
            yield from (CONFIGURATION, CONDITIONS)
        case ApiNews() | StoreNews() | TrustNews() | HttpListening() | UnitFault():
            yield CONDITIONS
        case _:
            pass
