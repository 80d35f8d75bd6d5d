"""The product without an account: the demonstration, and the simulated Bright Data alone."""

import asyncio
import json
import re
import signal

import aiohttp

from acceptance.harness import Notifier

ENDS_WITHIN = 40.0


async def test_the_demonstration_shows_every_notification_and_ends_by_itself(notifier: Notifier) -> None:
    """It ends with status 0 in under 40 s, has shown how each of its snapshots ended, and leaves nothing behind."""
    ended = await notifier.command("demo", TMPDIR=str(notifier.folder))

    assert ended.status == 0, ended
    assert ended.seconds < ENDS_WITHIN
    assert not ended.stderr
    for news in (
        "✅ Amazon products, nightly: ready, 12,480 records",
        "⚠️ Prices: ready with errors: 310 records, 4 errors",
        "📭 Job postings: ready but empty: no records, 1 error",
        "❌ Reviews: failed",
        "🚫 Real estate: canceled",
        "✅ News archive: ready, 1 record ",
        "✅ Profiles: ready",
    ):
        # Alone as a notification, or as a line of a digest.
        told = [
            line for line in ended.stdout.splitlines() if re.search(rf"(notification: | {{11}}){re.escape(news)}", line)
        ]
        assert len(told) == 1, ended.stdout
    assert "503" in ended.stdout, "the receiver refuses its first message, to show a retry"
    first, *_ = re.findall(r"http://\S+", ended.stdout)
    assert ended.stdout.splitlines()[0] == f"The page: {first}", "the first link is the one to click"
    assert "every notification was delivered exactly once" in ended.stdout
    assert not any(notifier.folder.iterdir())


async def test_a_demonstration_can_be_stopped(notifier: Notifier) -> None:
    """Ctrl-C is how `--keep` ends: with status 0, a summary, and nothing left behind; SIGTERM does the same."""
    await asyncio.gather(*(stopped_by(number, notifier) for number in (signal.SIGINT, signal.SIGTERM)))
    assert not any(notifier.folder.iterdir())


async def stopped_by(number: signal.Signals, notifier: Notifier) -> None:
    """Start a demonstration, and stop it as soon as it shows something happen."""
    showing = await notifier.start("demo", "--keep", TMPDIR=str(notifier.folder))
    await showing.stdout.first(lambda line: "unknown → " in line)

    ended = await showing.stop(number)

    assert (ended.status, ended.stderr) == (0, "")
    assert ended.seconds < 5
    assert "Stopped early" in ended.stdout


async def test_the_simulated_bright_data_answers_as_the_real_one(notifier: Notifier) -> None:
    """`simulate --json` prints where it is and what there is; progress, trigger and snapshots answer as documented."""
    simulating = await notifier.start("simulate", "--port", "0", "--json", "--seed", "7", "--snapshots", "3")
    await simulating.stdout.until(lambda lines: "}\n" in lines)
    said = json.loads("".join(simulating.stdout.entries))
    assert len(said["snapshots"]) == 3
    base = f"{said['url']}/datasets/v3"

    async with aiohttp.ClientSession(headers={"Authorization": "Bearer any"}, raise_for_status=True) as http:
        async with http.get(f"{base}/progress/{said['snapshots'][0]}") as answer:
            progress = await answer.json()
        async with http.post(f"{base}/trigger", params={"dataset_id": "gd_1"}, json=[{"url": "x"}]) as answer:
            triggered = await answer.json()
        async with http.get(f"{base}/snapshots", params={"dataset_id": said["dataset"]}) as answer:
            listed = await answer.json()
        async with http.get(f"{base}/snapshots", params={"dataset_id": "gd_1"}) as answer:
            of_the_new = await answer.json()

    assert progress["snapshot_id"] == said["snapshots"][0]
    assert progress["dataset_id"] == said["dataset"]
    assert progress["status"]
    assert {each["id"] for each in listed} <= set(said["snapshots"])
    assert {each["id"] for each in of_the_new} <= {triggered["snapshot_id"]}
    ended = await simulating.stop(signal.SIGINT)
    assert (ended.status, ended.stderr) == (0, "")
