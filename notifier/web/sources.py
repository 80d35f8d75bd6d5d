"""What the web reads and does, as functions that the daemon hands to it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from notifier.config.model import Config
from notifier.core.action_results import PollResult
from notifier.core.health.resources import NodeResource
from notifier.core.health.vitals import Vitals
from notifier.core.snapshot.hint_queue import HintResult
from notifier.web.live.hub import Hub
from notifier.web.pages.messages import Messages
from notifier.web.queries import Queries


class TestChannel(Protocol):
    """Sends a test message to a channel."""

    async def __call__(self, channel: str, event: str = "complete", watch: str | None = None) -> Mapping[str, Any]:
        """Send it, about this event and the watch with this id; return `outcome`, `reason` and `answer`."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Actions:
    """What a page, or the API, can have the daemon do. Each may raise `NotifierError` with a text for people.

    Attributes:
        mute: drops the notifications of a watch until a time, or until unmuted.
        unmute: returns whether the watch was muted.
        poll_now: polls a snapshot at once; returns what came of it within a few seconds; None if it is not watched, or
            has ended.
        retry: sends deliveries again; returns how many.
        retry_dead: sends dead deliveries again, of a channel or all, since a time or always; returns how many.
        test_channel: sends a test message.
        note: records what was done and from where: action, subject, origin, detail.
    """

    mute: Callable[[str, datetime | None], Awaitable[None]]
    unmute: Callable[[str], Awaitable[bool]]
    poll_now: Callable[[str], Awaitable[PollResult | None]]
    retry: Callable[[tuple[int, ...]], Awaitable[int]]
    retry_dead: Callable[[str | None, datetime | None], Awaitable[int]]
    test_channel: TestChannel
    note: Callable[[str, str, str, str], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class WebSources:
    """Where answers come from.

    Attributes:
        config: the configuration that runs.
        queries: answers the questions of pages and API, in a thread; what it returns is redacted already.
        vitals: how the daemon does; raises `NotifierError` or `TimeoutError` if the store does not tell.
        metrics: the page for Prometheus.
        redact: masks secrets in texts, lists and mappings. Everything shown goes through it.
        clock: the time, UTC.
        node: this daemon.
        actions: what can be done.
        live: tells open pages what changed; a page that is made carries its `last_id`.
        messages: the answers to actions, which a page shows by the key in its address.
        hint: takes a hint of a snapshot with this id.
        useless_hint: counts a hint that names no snapshot, or whose secret is wrong.
    """

    config: Callable[[], Config]
    queries: Queries
    vitals: Callable[[], Awaitable[Vitals]]
    metrics: Callable[[], Awaitable[bytes]]
    redact: Callable[[Any], Any]
    clock: Callable[[], datetime]
    node: Callable[[], NodeResource]
    actions: Actions
    live: Hub = field(default_factory=Hub)
    messages: Messages = field(default_factory=Messages)
    hint: Callable[[str], object] = lambda _: None
    useless_hint: Callable[[HintResult], None] = lambda _: None
