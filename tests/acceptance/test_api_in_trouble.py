"""The API not answering is never a status of a snapshot."""

from collections.abc import Sequence

import pytest

from acceptance.bright_data import BrightData
from acceptance.harness import TOKEN, Notifier
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import Fault
from notifier.brightdata.simulator import life as lives
from notifier.brightdata.simulator.server import AnsweredRequest

NEVER = (Fault.SLOW, Fault.TRICKLE)
IN_TIME = [fault for fault in Fault if fault not in (*NEVER, Fault.RATE_LIMITED)]
"""The faults that cost no waiting, so that one daemon meets them all."""


def answers_of(snapshot: str, asked: Sequence[AnsweredRequest]) -> int:
    """How often the API answered as it should and told of a snapshot, by itself or in the list of its dataset."""
    right = [each for each in asked if each.answer == "200"]
    return sum(each.kind == "snapshots" or each.raw_path.endswith(f"/{snapshot}") for each in right)


@pytest.mark.parametrize(
    ("faults", "reasons"),
    [
        (IN_TIME, {"unauthorised", "forbidden", "server_error", "connection", "nonsense"}),
        # By itself: after it requests are rare, and few snapshots are soon asked again.
        ([Fault.RATE_LIMITED], {"rate_limited"}),
    ],
    ids=["all_others", "rate_limited"],
)
async def test_no_answer_of_the_api_is_told_as_news_and_the_end_is_told_at_last(
    faults: list[Fault], reasons: set[str], api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """Whatever the API does, each snapshot is told as running once and as ready once."""
    snapshots = [f"s_{k}" for k in range(len(faults))]
    for snapshot in snapshots:
        api.add(snapshot, lives.of("running", "ready", seconds=60, records=1))
    channels = {"team": {"url": team.url, "pace": "1000/s"}}
    notifier.configure(api=api.url, channels=channels, watches=snapshots, defaults={"on": ["all"]})
    daemon = await notifier.daemon()
    await team.told(len(snapshots))

    for fault in faults:
        api.fail_next(fault)
    await api.more_asked(len(faults))
    before = len(api.asked)  # each is asked again and answers as it should, before it ends
    await api.asked.until(lambda asked: all(answers_of(each, asked[before:]) >= 2 for each in snapshots))
    assert len(team.copies) == len(snapshots)
    assert all(api.answers[fault.value] == 1 for fault in faults)
    api.advance(60)

    await team.told(2 * len(snapshots))
    assert (await daemon.stop()).status == 0
    assert set(team.copies.values()) == {1}
    assert sorted((each["name"], each["status"]) for each in await notifier.deliveries()) == sorted(
        (name, word) for name in snapshots for word in ("running", "ready")
    )
    told = [line["reason"] for line in daemon.log.entries if line["event"] in ("poll.unclear", "list.unclear")]
    assert reasons <= set(told)


async def test_a_wrong_token_in_a_shell_is_no_trouble_of_the_daemon(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """The command ends with 4; the daemon beside it, with nothing in progress, is as healthy as before."""
    api.add("s_1", lives.complete(seconds=0))
    notifier.environment["BRIGHTDATA_API_KEY"] = TOKEN
    notifier.secrets.add("canary-token-of-another")
    notifier.configure(
        api=api.url,
        api_options={"token": "${BRIGHTDATA_API_KEY}"},
        channels={"team": team.url, "ops": ops.url},
        defaults={"notify": ["team"]},
        operators=["ops"],
        watches=["s_1"],
    )
    daemon = await notifier.daemon()
    await team.told(1)

    for _ in range(2):
        waited = await notifier.command("wait", "s_1", BRIGHTDATA_API_KEY="canary-token-of-another")
        assert waited.status == 4, waited

    health = await notifier.json("healthcheck")
    assert (health["healthy"], health["api"]["kind"]) == (True, "ok"), health
    assert api.answers["401"] >= 6
    assert not ops.received.entries
    assert (await daemon.stop()).status == 0


async def test_an_answer_that_does_not_come_is_given_up_and_asked_again(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """An answer that takes longer than `timeout`, or never ends, is no news, and the next poll brings the end."""
    for fault, snapshot in zip(NEVER, ("s_1", "s_2"), strict=True):
        api.add(snapshot, lives.complete(seconds=0))
        api.fail_next(fault)
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1", "s_2"], api_options={"timeout": "1s"})
    daemon = await notifier.daemon("--log-level", "debug")

    for snapshot in ("s_1", "s_2"):
        await daemon.wait_for_log("poll.done", watch=snapshot, answer="timeout")

    assert len(await team.told(2)) == 2
    assert set(team.copies.values()) == {1}


async def test_a_snapshot_that_the_api_does_not_know_yet_is_not_missing(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """404 in the first seconds after a trigger is no news: what is told is the end."""
    api.add("s_1", lives.appears_late(hidden_for=15, seconds=60))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"], defaults={"on": ["all"]})
    daemon = await notifier.daemon()
    await api.more_asked(3)
    assert api.answers["404"] >= 3

    api.advance(15)
    await daemon.wait_for_log("delivery.delivered")
    api.advance(60)
    await team.received.count(2)

    assert [each.news for each in team.received.entries] == [("s_1", "running"), ("s_1", "ready")]
