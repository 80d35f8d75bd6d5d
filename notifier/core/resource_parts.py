"""Parts of resources (`core.resources`, `core.resource_pages`)."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NotifiedResource:
    """Whom an event notifies.

    Attributes:
        delivery: the number of the delivery.
        channel: the channel's name.
        state: the delivery's state.
        at: when it was settled, or else decided.
    """

    delivery: int
    channel: str
    state: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusSpanResource:
    """A part of the bar of a snapshot's statuses.

    Attributes:
        status: the API's word, or `unknown`, or `missing`.
        begin: from when on it had this status.
        end: until when; None: until now.
    """

    status: str
    begin: datetime
    end: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectionResource:
    """One collection of a dataset, ended or not: a point of the dataset's chart.

    Attributes:
        snapshot: the snapshot's id.
        status: the API's word, or `unknown`, or `missing`.
        started: when Bright Data created it, or when it was first seen.
        ended: when it took its last status; None while it runs.
        duration_s: how long it ran.
        records, errors: the counts of the last answer that had them.
    """

    snapshot: str
    status: str
    started: datetime | None
    ended: datetime | None
    duration_s: float | None
    records: int | None
    errors: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UsualResource:
    """The usual range of a number in a dataset's history.

    Attributes:
        median: the middle one.
        low, high: the quartiles below and above it.
        collections: how many collections it is made of.
    """

    median: float
    low: float
    high: float
    collections: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptResource:
    """One attempt of a delivery, with the receiver's answer.

    Attributes:
        number: counts the attempts of the delivery from 1.
        started_at: when it began.
        duration_s: how long it took.
        outcome: `delivered`, `retry`, `permanent` or `uncertain`.
        reason: the outcome's reason in one word.
        detail: the receiver's answer, or the error.
        together: how many deliveries went out as one message.
    """

    number: int
    started_at: datetime
    duration_s: float
    outcome: str
    reason: str
    detail: str
    together: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageResource:
    """The words of a message.

    Attributes:
        title: the title; None for a webhook.
        body: the text; the payload of a webhook.
    """

    title: str | None
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestResource:
    """The message of several deliveries that one was sent in.

    Attributes:
        at: when it was sent.
        deliveries: how many it tells of.
        ids: their numbers.
        titles: the titles that each of them has alone.
    """

    at: datetime
    deliveries: int
    ids: tuple[int, ...]
    titles: tuple[str, ...] = ()
