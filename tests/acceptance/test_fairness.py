"""What one channel may cost another, and how few messages a flood becomes."""

import re
from collections.abc import Sequence
from datetime import datetime

import pytest

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier, Process
from acceptance.kill_scenarios import SECRET
from acceptance.receivers import HANG, Receiver
from notifier.brightdata.simulator import life as lives

HANGING = 20
EACH = 10
MOST_DELAY_S = 0.050
ROUNDS = 3
MOST_ROUNDS = 8
"""A busy machine may spoil a measurement, but not eight."""

FLOOD = 1_000
MOST_MESSAGES = 10


def p99(values: Sequence[float]) -> float:
    """The 99th percentile, by the nearest rank."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * 99 // 100) - 1]


async def latencies(daemon: Process, good: Receiver, snapshots: Sequence[str]) -> list[float]:
    """Seconds from the commit of each snapshot's end to its arrival."""
    arrived = {event_id: each.at for each in good.received.entries for event_id in each.event_ids}
    found = []
    for snapshot in snapshots:
        line = await daemon.wait_for_log("transition.committed", snapshot=snapshot, status="ready")
        committed = datetime.fromisoformat(line["timestamp"]).timestamp()
        found.append(arrived[line["event_id"]] - committed)
    return found


async def test_twenty_channels_that_hang_for_ever_delay_another_by_less_than_50_ms(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier, capsys: pytest.CaptureFixture[str]
) -> None:
    """The p99 from commit to arrival at a good channel, beside 20 sends that hang, and before them."""
    ops.usual = HANG
    hanging = {f"hanging-{k}": f"{ops.url}?rto=600" for k in range(HANGING)}
    groups: list[list[str]] = [[f"s_{group}_{k}" for k in range(EACH)] for group in range(ROUNDS + MOST_ROUNDS)]
    watches: list[dict[str, object]] = []
    for group, snapshots in enumerate(groups):
        for snapshot in snapshots:
            api.add(snapshot, lives.complete(seconds=100 * (group + 1)))
            watches.append({"snapshot": snapshot, "notify": ["good", *(hanging if group >= ROUNDS else ())]})
    notifier.configure(
        api=api.url,
        # A signed webhook: its messages are never merged, so that no pace stands in the figures.
        channels={
            "good": {"webhook": team.web_url, "secret": SECRET, "allow_private": True, "pace": "1000/s"},
            **hanging,
        },
        watches=watches,
        api_options={"requests_per_second": 500, "batch": "never"},  # a list would tell of all ends at once
        defaults={"every": "1s"},
    )
    daemon = await notifier.daemon()
    await api.more_asked(len(watches))
    measured = []
    for number, snapshots in enumerate(groups, start=1):
        api.advance(100)
        await team.told(number * EACH)
        measured.append(p99(await latencies(daemon, team, snapshots)))
        if number > ROUNDS and min(measured[ROUNDS:]) - min(measured[:ROUNDS]) < MOST_DELAY_S:
            break

    alone, beside = min(measured[:ROUNDS]), min(measured[ROUNDS:])
    with capsys.disabled():
        print(  # noqa: T201
            f"\np99 from commit to arrival: {alone * 1000:.1f} ms alone, {beside * 1000:.1f} ms beside {HANGING} "
            f"hanging sends; all rounds: {', '.join(f'{each * 1000:.1f}' for each in measured)} ms"
        )
    assert len(ops.received) == HANGING, "each hanging channel is still at its first message"
    assert beside - alone < MOST_DELAY_S
    await daemon.kill()


async def test_a_thousand_snapshots_that_are_ready_at_once_become_at_most_ten_messages(
    api: BrightData, team: Receiver, notifier: Notifier, capsys: pytest.CaptureFixture[str]
) -> None:
    """A channel with the usual pace gets a few digests, and their counts add up to each event once."""
    snapshots = [f"s_{k:04}" for k in range(FLOOD)]
    for snapshot in snapshots:
        api.add(snapshot, lives.complete(seconds=60))
    notifier.configure(
        api=api.url,
        channels={"team": team.url},
        watches=snapshots,
        api_options={"requests_per_second": 1_000},
        defaults={"every": "4s"},  # looking once a second would take all the CPU there is
    )
    daemon = await notifier.start("run", "--log-level", "warning")
    await api.more_asked(FLOOD)
    api.advance(60)

    await team.received.until(lambda messages: sum(counted(each.title) for each in messages) >= FLOOD)

    assert (await daemon.stop()).status == 0
    titles = [each.title for each in team.received.entries]
    with capsys.disabled():
        print(f"\n{FLOOD:,} snapshots became {len(titles)} messages: {[counted(title) for title in titles]}")  # noqa: T201
    assert len(titles) <= MOST_MESSAGES
    assert sum(map(counted, titles)) == FLOOD
    deliveries = await notifier.deliveries()
    assert [each["state"] for each in deliveries] == ["delivered"] * FLOOD
    assert {each["attempts_begun"] for each in deliveries} == {1}
    assert all(len(each.message) < 40_000 for each in team.received.entries)


def counted(title: str) -> int:
    """How many snapshots a title tells of."""
    found = re.match(r"\S+ ([\d,]+) snapshots: ", title)
    return int(found[1].replace(",", "")) if found else 1
