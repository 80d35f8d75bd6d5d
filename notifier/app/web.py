"""What the daemon hands to its web pages and API: what they read, and what they can have it do."""

import platform
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from notifier import __version__
from notifier.app.components import Components
from notifier.app.gc_tuning import keep
from notifier.app.poll_now import PollNow
from notifier.config.model import Http
from notifier.control.handler import DaemonActions, handle
from notifier.control.protocol import GotThrough, Mute, Retry, Unmute
from notifier.core.delivery.model import OutcomeKind
from notifier.core.errors import NotifierError, StoreUnready, UsageError
from notifier.core.health.resources import NodeResource
from notifier.core.health.vitals import Vitals
from notifier.core.outcomes import HintOutcome
from notifier.core.resources import ActionResource
from notifier.core.work_units import Unit
from notifier.delivery.rendering import renderer_of
from notifier.store.write_retries import at_once
from notifier.web.fresh_polls import FreshPolls
from notifier.web.queries import Queries
from notifier.web.sources import Actions, WebSources

if TYPE_CHECKING:
    from starlette.types import ASGIApp

log = structlog.get_logger("notifier")


def application_for(
    components: Components,
    *,
    vitals: Callable[[], Awaitable[Vitals]],
    metrics: Callable[[], Awaitable[bytes]],
    config_hash: Callable[[], str],
) -> Callable[[Http], "ASGIApp"]:
    """Return what makes the web application of these components; it imports FastAPI when it is called."""
    sources = web_sources(components, vitals=vitals, metrics=metrics, config_hash=config_hash)

    def make(http: Http) -> "ASGIApp":
        is_first = "fastapi" not in sys.modules
        if is_first:
            keep()  # or the collections of garbage during the import traverse all watches, and hold the event loop
        from notifier.web.application import application
        from notifier.web.pages.renderer import RENDERER

        RENDERER.compile()
        made = application(sources, http=http, faults=components.faults)
        if is_first:
            keep()  # or the next collection traverses what was imported, which holds the event loop for 20 ms
        return made

    return make


def web_sources(
    components: Components,
    *,
    vitals: Callable[[], Awaitable[Vitals]],
    metrics: Callable[[], Awaitable[bytes]],
    config_hash: Callable[[], str],
) -> WebSources:
    """Return what the web reads and does with these components."""
    started_at = components.clock()
    return WebSources(
        config=lambda: components.config,
        queries=Queries(
            config=lambda: components.config,
            reading=components.reading,
            vitals=vitals,
            render=renderer_of,
            redact=components.redactor,
            next_try=components.dispatcher.next_try,
            polls=FreshPolls(poll=components.polling.unstored_poll, listed=components.polling.unstored_list),
        ),
        vitals=vitals,
        metrics=metrics,
        redact=components.redactor.of,
        clock=components.clock,
        node=lambda: NodeResource(
            node=platform.node(), version=__version__, configuration=config_hash(), started_at=started_at
        ),
        actions=_actions(components),
        live=components.live,
        hint=components.polling.hints.hint,
        useless_hint=lambda result: components.report(HintOutcome(result=result)),
    )


def _actions(components: Components) -> Actions:
    """Return the actions: those of commands do what a command's request does (`control.handler`)."""
    daemon = DaemonActions(
        wake=components.dispatcher.wake,
        got_through=components.dispatcher.got_through,
        changed=components.live.change,
        faults=components.faults,
    )

    async def perform(request: Mute | Unmute | Retry | GotThrough) -> dict[str, Any]:
        """Do it now or not at all: whoever waits is told that the database is in trouble, instead of nothing."""
        try:
            with at_once():
                return await handle(request, components.store, daemon)
        except (ValueError, OverflowError) as error:
            raise NotifierError(str(error)) from error

    async def mute(watch: str, until: datetime | None) -> None:
        await perform(Mute(watch=watch, until=None if until is None else until.astimezone(UTC).isoformat()))

    async def unmute(watch: str) -> bool:
        return bool((await perform(Unmute(watch=watch)))["was_muted"])

    async def retry(ids: tuple[int, ...]) -> int:
        if not ids:
            return 0  # a request without ids means all that failed
        return int((await perform(Retry(ids=ids, configured=tuple(components.config.channels))))["retried"])

    async def retry_dead(channel: str | None, since: datetime | None) -> int:
        configured = tuple(components.config.channels)
        begin = None if since is None else since.astimezone(UTC).isoformat()
        return int((await perform(Retry(channel=channel, since=begin, configured=configured)))["retried"])

    async def test_channel(channel: str, event: str = "complete", watch: str | None = None) -> Mapping[str, Any]:
        from notifier.delivery.trial import send_trial

        config = components.config
        if channel not in config.channels:
            raise NotifierError(f"there is no channel {channel!r} in the configuration")
        sample = None if watch is None else config.sample_watch(watch)
        if watch is not None and sample is None:
            raise UsageError(f"there is no watch {watch!r} in the configuration")
        try:
            trial = send_trial(config.channels[channel], redact=components.redactor, word=event, watch=sample)
        except ValueError as error:
            raise UsageError(str(error)) from error
        with components.faults.alone(Unit.DELIVERY, channel) as attempt:
            outcome = await trial
            if outcome.kind is OutcomeKind.DELIVERED:
                with suppress(StoreUnready):  # what waits for the channel is tried again later
                    await perform(GotThrough(channel=channel))
            return {"outcome": str(outcome.kind), "reason": str(outcome.reason), "answer": outcome.detail}
        assert attempt.fault is not None
        raise NotifierError("the test message could not be made; the log says why")

    async def note(action: str, subject: str, origin: str, detail: str) -> None:
        log.info("action.done", action=action, subject=subject, origin=origin, detail=detail)
        done = ActionResource(at=components.clock(), action=action, subject=subject, origin=origin, detail=detail)
        with at_once():
            await components.store.actions.note([done])

    poll_now = PollNow(hasten=components.polling.hasten, api=lambda: components.limiter.api)
    components.reporters.add(poll_now)
    return Actions(
        mute=mute,
        unmute=unmute,
        poll_now=poll_now,
        retry=retry,
        retry_dead=retry_dead,
        test_channel=test_channel,
        note=note,
    )
