"""Test messages: a sample event, marked TEST, through the channel's real renderer and sender."""

import secrets
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.channels.templates.samples import sample_events
from notifier.config.model import Channel
from notifier.core.delivery.model import Event, Outcome
from notifier.core.snapshot.model import Watch
from notifier.core.snapshot.statuses import canonical
from notifier.delivery.senders import WebhookSender, sender_for


def send_trial(
    channel: Channel, *, redact: Callable[[str], str], word: str, watch: Watch | None
) -> Coroutine[Any, Any, Outcome]:
    """Send a sample event to a channel.

    Args:
        channel: where it goes.
        redact: takes secrets out of what the service answers.
        word: an event name that the sample carries.
        watch: gives the sample its name, snapshot and labels; without it they are made up.

    Raises:
        ValueError: no sample carries that name; the text lists those there are.
    """
    return _send(channel, redact, _sample(word, watch))


async def _send(channel: Channel, redact: Callable[[str], str], event: Event) -> Outcome:
    sender = sender_for(
        channel, redact=redact, clock=lambda: datetime.now(UTC), template_failed=lambda name, event_id, reason: None
    )
    try:
        return await sender.send([event])
    finally:
        if isinstance(sender, WebhookSender):
            await sender.aclose()


def _sample(word: str, watch: Watch | None) -> Event:
    samples = {name: event for event in reversed(sample_events()) for name in event.transition.names}
    sample = samples.get(canonical(word))
    if sample is None:
        raise ValueError(f"there is no sample of {word!r}; there are {', '.join(sorted(samples))}")
    kind = sample.transition.names[-1]
    facts = sample.transition.facts
    if kind not in ("partial", "empty", "failed"):
        facts = replace(facts, errors=0 if kind == "complete" else None, error_message=None, error_codes=())
    if kind not in ("complete", "partial", "empty"):
        facts = replace(facts, records=None)
    transition = replace(
        sample.transition, facts=facts, observed_at=datetime.now(UTC).replace(microsecond=0), late_by=timedelta(0)
    )
    name = "a made-up snapshot"
    if watch is not None:
        transition = replace(transition, snapshot_id=watch.snapshot_id)
        name = watch.name
    return replace(
        sample,
        id=f"evt_test_{secrets.token_hex(8)}",
        name=f"TEST {name}",
        watch_id=watch.id if watch else sample.watch_id,
        labels=watch.labels if watch else sample.labels,
        transition=transition,
    )
