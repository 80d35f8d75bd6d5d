"""The demonstration: the real daemon against a simulated Bright Data on loopback, with a local receiver for a channel.

Seven snapshots each end in another way, while the API sometimes answers 429 and 500 and the receiver refuses its first
message. It prints the link of its page and what happens, and succeeds only if every notification is delivered exactly
once. With `--keep` it goes on: a dataset has a new snapshot every few seconds.
"""

import asyncio
import itertools
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from notifier.app.daemon import Daemon
from notifier.app.loading.load import load_config
from notifier.brightdata.simulator import Fault, Life, Simulator
from notifier.brightdata.simulator import life as lives
from notifier.brightdata.simulator.receiver import MessageReceiver
from notifier.core.delivery.message_text import title_of
from notifier.core.delivery.model import OutcomeKind
from notifier.core.health.api import ApiNews
from notifier.core.outcomes import AnyOutcome, ClockShift, DeliveryOutcome, HttpListening, PollOutcome
from notifier.core.snapshot.model import Unclear
from notifier.core.snapshot.statuses import Phase, phase_of
from notifier.core.words import count, span
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.reporter import Reporter

TIME_LIMIT = timedelta(seconds=33)
"""The demonstration gives up after this long; it needs about 20 s."""

_EVENT_ID = re.compile(r"\bevt_[0-9a-f]+\b")
_SPEED = 6.0
_FAULTS = {Fault.RATE_LIMITED: 0.02, Fault.SERVER_ERROR: 0.03, Fault.RESET: 0.02}

_SNAPSHOTS: tuple[tuple[str, str, Life], ...] = (
    ("sd_demo_products", "Amazon products, nightly", lives.complete(seconds=50, records=12_480)),
    ("sd_demo_prices", "Prices", lives.partial(seconds=70, records=310, errors=4)),
    ("sd_demo_jobs", "Job postings", lives.empty(seconds=40)),
    ("sd_demo_reviews", "Reviews", lives.failed(seconds=60)),
    ("sd_demo_estate", "Real estate", lives.canceled(seconds=55)),
    ("sd_demo_news", "News archive", lives.unknown_words(seconds=85, records=1)),
    ("sd_demo_profiles", "Profiles", lives.appears_late(seconds=65, hidden_for=15)),
)

_DAILY = "gd_demo_daily"
_NEXT_AFTER = timedelta(seconds=12)
"""With `--keep`, the pause before the next snapshot of that dataset begins."""

_DAILY_LIVES: tuple[Life, ...] = (
    lives.complete(seconds=50, records=980),
    lives.complete(seconds=62, records=1_010),
    lives.partial(seconds=58, records=1_040, errors=12),
    lives.complete(seconds=45, records=965),
    lives.failed(seconds=40),
    lives.complete(seconds=70, records=1_120),
)

Say = Callable[[str, str], None]
"""Prints a line in a style: `plain`, `dim`, `good`, `bad`, `news` or `heading`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoOutcome:
    """The outcome: `right` if every notification was delivered exactly once, until it ended or was stopped."""

    right: bool


class _Stage(Reporter):
    """Prints what happens, and counts it: a reporter of the daemon that also notes what the receiver got."""

    def __init__(self, say: Say) -> None:
        self._print = say
        self._held: list[tuple[str, str]] | None = []
        self._began = time.monotonic()
        self.address = ""
        self.snapshots = len(_SNAPSHOTS)
        self.ended: set[str] = set()
        self.expected: set[str] = set()
        self.arrived: Counter[str] = Counter()
        self.settled: set[str] = set()
        self.polls = 0
        self.messages = 0
        self.troubles: Counter[str] = Counter()
        self.retries = 0
        self.finished = asyncio.Event()

    def say(self, style: str, text: str) -> None:
        """Print a line, once the one with the link of the page is printed."""
        if self._held is None:
            self._print(style, text)
        else:
            self._held.append((style, text))

    def release(self) -> None:
        """Print what was held back."""
        held, self._held = self._held or [], None
        for line in held:
            self.say(*line)

    def show(self, style: str, text: str) -> None:
        """Print a line with its time."""
        self.say(style, f"{time.monotonic() - self._began:5.1f} s  {text}")

    def report(self, outcome: AnyOutcome) -> None:
        """Print an outcome that is of interest."""
        match outcome:
            case PollOutcome():
                self._polled(outcome)
            case DeliveryOutcome():
                self._delivered(outcome)
            case ApiNews():
                self.show("bad", f"the API: {outcome.kind}")
            case ClockShift():
                self.show("bad", f"the clock was moved by {span(abs(outcome.shift))}")
            case HttpListening():
                self._listening(outcome)
            case _:
                pass

    def _listening(self, outcome: HttpListening) -> None:
        """Print the link of the page, before anything else."""
        if outcome.trouble:
            self._print("bad", f"There is no page: {outcome.trouble}")
        else:
            self.address = f"{outcome.address}/"
            self._print("heading", f"The page: {self.address}")
        self.release()

    def _polled(self, outcome: PollOutcome) -> None:
        """Print the transitions of a poll."""
        self.polls += 1
        if isinstance(outcome.observation, Unclear):
            self.troubles[outcome.observation.reason] += 1
            reason = outcome.observation.reason.replace("_", " ")
            self.show("dim", f"{outcome.watch.name}: no clear answer from the API ({reason}); polled again")
        for each in outcome.committed:
            transition = each.event.transition
            self.show("plain", f"{outcome.watch.name}: {transition.previous} → {transition.status}")
            self.expected.update(each.event.id for _ in each.channels)
            if phase_of(transition.status) is Phase.ENDED:
                self.ended.add(transition.snapshot_id)
        self._check()

    def _delivered(self, outcome: DeliveryOutcome) -> None:
        """Print an attempt that failed."""
        if outcome.outcome.kind is OutcomeKind.DELIVERED:
            self.settled.add(outcome.delivery.event.id)
        else:
            self.retries += 1
            title, reason = title_of(outcome.delivery.event), outcome.outcome.reason
            self.show("bad", f"not delivered ({reason}), {outcome.decision.state}: {title}")
        self._check()

    def message_arrived(self, title: str, body: str) -> None:
        """Print a notification as its reader sees it."""
        self.messages += 1
        self.show("news", f"🔔 notification: {title}")
        for line in body.splitlines():
            self.say("dim", f"           {line}")
        self.arrived.update(_EVENT_ID.findall(body))

    def message_refused(self) -> None:
        """Print that the receiver answers 503."""
        self.show("bad", "the receiver answers 503, Retry-After: 2")

    def _check(self) -> None:
        if len(self.ended) >= len(_SNAPSHOTS) and self.settled >= self.expected:
            self.finished.set()


async def demo(*, say: Say, stop: asyncio.Event, keep: bool = False) -> DemoOutcome:
    """Run the demonstration.

    Args:
        say: prints a line.
        stop: set it to end the demonstration before its time.
        keep: go on until stopped, instead of ending when all snapshots have ended.
    """
    stage = _Stage(say)
    async with (
        Simulator(seed=21, speed=_SPEED, faults=_FAULTS, retry_after=1) as simulator,
        MessageReceiver(stage.message_arrived, stage.message_refused) as receiver,
    ):
        for snapshot_id, _, life in _SNAPSHOTS:
            simulator.add(snapshot_id, life, dataset_id="gd_demo")
        with tempfile.TemporaryDirectory(prefix="notifier-demo-") as folder:
            config_file = Path(folder) / "config.yaml"
            config_file.write_text(_configuration(simulator.url, receiver.url, daily=keep), encoding="utf-8")
            stage.say("heading", f"{count(len(_SNAPSHOTS), 'snapshot')} at a simulated Bright Data, {simulator.url}")
            stage.say(
                "dim", f"It runs {_SPEED:g} times as fast as the real one; sometimes it answers 429, 500 or resets."
            )
            stage.say("dim", f"The daemon is the real one, with {config_file} for its configuration.")
            redactor = Redactor()
            daemon = Daemon(load_config(config_file), reporters=[stage], redactor=redactor)
            running = asyncio.create_task(daemon.run(stop))
            waiting = asyncio.create_task(_go_on(stage, simulator) if keep else stage.finished.wait())
            try:
                limit = None if keep else TIME_LIMIT.total_seconds()
                await asyncio.wait({running, waiting}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
                stopped = stop.is_set()
                stop.set()
                stage.release()
                await running
    return _summary(stage, say, stopped=stopped)


async def _go_on(stage: _Stage, simulator: Simulator) -> None:
    """Say when all snapshots have ended, and have another one begin every few seconds."""
    await stage.finished.wait()
    pause = _NEXT_AFTER.total_seconds()
    stage.show("good", "Every snapshot ended, and every notification was delivered exactly once.")
    stage.show("heading", f"The page goes on: {stage.address}")
    stage.show("plain", f"Another snapshot begins every {pause:g} s. Stop it with Ctrl-C.")
    for number, life in enumerate(itertools.cycle(_DAILY_LIVES), 1):
        stage.snapshots += 1
        simulator.add(f"sd_demo_daily_{number}", life, dataset_id=_DAILY)
        await asyncio.sleep(pause)


def _summary(stage: _Stage, say: Say, *, stopped: bool) -> DemoOutcome:
    lost = stage.expected - set(stage.arrived)
    twice = {event for event, times in stage.arrived.items() if times > 1}
    troubles = ", ".join(f"{number} × {reason.replace('_', ' ')}" for reason, number in stage.troubles.items())
    events, messages = count(len(stage.arrived), "event"), count(stage.messages, "message")
    say("heading", f"{count(stage.polls, 'poll')}, {events} delivered in {messages}")
    say("plain", f"Failed polls: {troubles or 'none'}. Failed sends, tried again: {stage.retries}.")
    right = not lost and not twice and len(stage.ended) == stage.snapshots and bool(stage.expected)
    if right:
        say("good", "Every snapshot ended, and every notification was delivered exactly once.")
    elif stopped and not twice:
        say("plain", f"Stopped early: {len(stage.ended)} of {count(stage.snapshots, 'snapshot')} had ended.")
        right = True
    else:
        ended = count(len(stage.ended), "snapshot")
        say("bad", f"Failed: {len(lost)} notifications lost, {len(twice)} delivered twice, {ended} ended.")
    return DemoOutcome(right=right)


def _configuration(api_url: str, channel_url: str, *, daily: bool) -> str:
    data: dict[str, Any] = {
        "api": {"token": "demo-token", "base_url": api_url, "requests_per_second": 20},
        "state": "sqlite:///demo.db",
        "http": "127.0.0.1:0",
        "channels": {"receiver": channel_url},
        "defaults": {"every": "1s", "notify": ["receiver"]},
        "watches": [{"snapshot": snapshot_id, "name": name} for snapshot_id, name, _ in _SNAPSHOTS],
    }
    if daily:
        data["watches"].append({"dataset": _DAILY, "name": "Prices, daily", "on": ["ready", "failed"]})
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
