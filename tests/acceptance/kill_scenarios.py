"""The scenarios in which daemons are killed: a world, the failpoints on its way, and what happens between deaths."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.killable_daemon import Request
from acceptance.receivers import Answer, Receiver, receiver
from notifier.brightdata.simulator import life as lives

SECRET = "whsec_bm90IGEgc2VjcmV0LCBidXQgMjQgYnl0ZXM="
BUSY = Answer(status=503, body="busy")


@dataclass(kw_only=True)
class World:
    """What surrounds the daemons of one case."""

    api: BrightData
    receivers: Mapping[str, Receiver]
    notifier: Notifier
    snapshots: list[str] = field(default_factory=list)


_USUAL = Request(folder="")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A way on which daemons are killed.

    `points` lie on it. `prepare` makes the world, `before_each` what happens to it before each daemon that is to be
    killed, and `before_last` before the last. `request` says how the daemons work, each `ahead_s` further ahead than
    the one before. `alone` means one channel: its kills are the only ones beside a send. `first_lives` lets the first
    daemon end its work. After the first death of a case only the points of `later` can be come to again, if it names
    any. Where `all_at_once`, a daemon that ended by itself has left nothing to do but for the last one.
    """

    name: str
    points: tuple[str, ...]
    receivers: tuple[str, ...]
    prepare: Callable[[World], None]
    before_each: Callable[[World], None] = lambda world: None
    before_last: Callable[[World], None] = lambda world: None
    request: Request = _USUAL
    ahead_s: float = 3_600
    alone: bool = False
    first_lives: bool = False
    most_countdown: int = 3
    later: tuple[str, ...] = ()
    all_at_once: bool = False


@asynccontextmanager
async def world_of(scenario: Scenario, folder: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        receivers = {name: await stack.enter_async_context(receiver(name)) for name in scenario.receivers}
        api = await stack.enter_async_context(BrightData())
        yield World(api=api, receivers=receivers, notifier=Notifier(folder))


ON_THE_WAY = (
    "poll.before_commit",
    "store.event_written",
    "poll.after_commit",
    "deliver.after_claim",
    "deliver.before_send",
    "deliver.after_send",
    "outbox.half_settled",
    "deliver.after_settle",
    "outbox.recovering",
)


def _one(world: World) -> None:
    _add(world, {"s_1": lives.complete(seconds=0)})
    _configure(world)


def _stream(world: World) -> None:
    _add(world, {f"s_{k}": lives.of("starting", "running", "ready", seconds=50 + 20 * k) for k in range(3)})
    _configure(world, on=["all"])


def _flood(world: World) -> None:
    _add(world, {f"s_{k}": lives.complete(seconds=0, records=k) for k in range(5)})
    hook = world.receivers["hook"]
    _configure(world, hook={"webhook": hook.web_url, "secret": SECRET, "allow_private": True, "pace": "1000/s"})


def _late(world: World) -> None:
    _add(world, {"s_1": lives.complete(seconds=0), "s_2": lives.failed(seconds=30)})
    mail = {"url": world.receivers["mail"].url, "fallback": "team", "fallback_after": "1s", "pace": "1000/s"}
    _configure(world, mail=mail, notify=["mail"])
    world.receivers["mail"].usual = BUSY


def _told(world: World) -> None:
    _add(world, {"s_1": lives.complete(seconds=0), "s_2": lives.complete(seconds=10_000)})
    _configure(world, notify=["team"], operators=["ops"])
    world.receivers["team"].usual = BUSY


def _old(world: World) -> None:
    _add(world, {f"s_{k}": lives.complete(seconds=0, records=k) for k in range(5)})
    _configure(world, keep="1d")


def _refuse(world: World) -> None:
    world.receivers["team"].answer_only(BUSY, BUSY)


def _take(world: World) -> None:
    world.receivers["team"].answer_only()


def _pass(seconds: float) -> Callable[[World], None]:
    return lambda world: world.api.advance(seconds)


def _heal(channel: str, seconds: float) -> Callable[[World], None]:
    def heal(world: World) -> None:
        world.receivers[channel].usual = Answer()
        world.api.advance(seconds)

    return heal


SCENARIOS = (
    Scenario(
        name="one", points=ON_THE_WAY, receivers=("team",), prepare=_one, alone=True, most_countdown=1, all_at_once=True
    ),
    Scenario(
        name="stream",
        points=ON_THE_WAY,
        receivers=("team", "ops"),
        prepare=_stream,
        before_each=_pass(25),
        before_last=_pass(200),
        most_countdown=4,
    ),
    Scenario(
        name="once",
        points=ON_THE_WAY,
        receivers=("team", "ops"),
        prepare=_stream,
        before_each=_pass(25),
        before_last=_pass(200),
        request=Request(folder="", once=True),
    ),
    Scenario(
        name="digest",
        points=(*ON_THE_WAY, "deliver.digest_claimed"),
        receivers=("team", "hook"),
        prepare=_flood,
        all_at_once=True,
    ),
    Scenario(
        name="retry",
        points=(*ON_THE_WAY, "deliver.retry_settled"),
        receivers=("team",),
        prepare=_one,
        before_each=_refuse,
        before_last=_take,
        request=Request(folder="", jump_s=30),
        alone=True,
        most_countdown=2,
        all_at_once=True,
    ),
    Scenario(
        name="fallback",
        points=("outbox.falling_back", "maintenance.after_fallback", "deliver.before_send", "deliver.after_send"),
        receivers=("mail", "team"),
        prepare=_late,
        before_each=_pass(15),
        before_last=_heal("mail", 60),
        request=Request(folder="", jump_s=2),
        most_countdown=2,
    ),
    Scenario(
        name="notices",
        points=("outbox.notice_written", "operators.after_notice", "deliver.after_send", "outbox.half_settled"),
        later=("deliver.after_send", "outbox.half_settled"),  # a notice is written once
        receivers=("team", "ops"),
        prepare=_told,
        before_last=_heal("team", 20_000),
        request=Request(folder="", jump_s=7_200, notices=1),
        ahead_s=28_800,
        most_countdown=1,
    ),
    Scenario(
        name="retention",
        points=("retention.half_forgotten", "retention.batch_forgotten", "maintenance.after_forgetting"),
        receivers=("team",),
        prepare=_old,
        request=Request(folder="", forgets=True, batch=1, once=True),  # `run --once` makes its rounds to their end
        ahead_s=3 * 86_400,
        first_lives=True,
    ),
)
"""The ways on which daemons are killed."""


def _add(world: World, snapshots: Mapping[str, lives.Life]) -> None:
    for snapshot, life in snapshots.items():
        world.api.add(snapshot, life)
        world.snapshots.append(snapshot)


def _configure(
    world: World,
    *,
    on: list[str] | None = None,
    notify: list[str] | None = None,
    operators: list[str] | None = None,
    keep: str = "90d",
    **channels: object,
) -> None:
    quick: dict[str, object] = {
        name: {"url": each.url, "pace": "1000/s"} for name, each in world.receivers.items() if name not in channels
    }
    world.notifier.configure(
        api=world.api.url,
        channels=quick | channels,
        watches=world.snapshots,
        api_options={"requests_per_second": 500},
        defaults={"on": on or ["ready", "failed"], "notify": notify or list(world.receivers)},
        operators=operators or [],
        keep=keep,
    )
