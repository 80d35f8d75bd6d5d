"""Watches that come and go by commands while the daemon runs."""

from acceptance.bright_data import BrightData
from acceptance.far_sides import Receiver
from acceptance.harness import Notifier
from notifier.brightdata.simulator import life as lives


async def test_a_watch_is_added_taken_up_told_and_removed(api: BrightData, team: Receiver, notifier: Notifier) -> None:
    """`watch add` waits for the daemon; what it found is told; `remove` takes out only what a file of its own holds."""
    api.add("s_own", lives.complete(seconds=3600))
    api.add("s_new", lives.complete(seconds=0))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_own"], include=["watches.d/*.yaml"])
    alone = await notifier.command("healthcheck")
    assert alone.status == 1
    assert "no daemon runs" in alone.stderr
    daemon = await notifier.daemon()

    added = await notifier.json("watch", "add", "s_new", "--name", "Nightly", "--label", "team=growth")
    assert added["daemon"] == {"runs": True, "taken_up": True, "refused": [], "status": "ready"}
    await team.told(1)
    health = await notifier.json("healthcheck")
    assert (health["healthy"], health["watches"]) == (True, 2)

    shown = notifier.glance("watch", "show", "Nightly")
    assert [event["status"] for event in shown["timeline"]] == ["ready"]
    again, own, near = [
        await notifier.command("watch", *words)
        for words in (("add", "s_new"), ("remove", "s_own"), ("show", "Nightyl"))
    ]
    assert (again.status, "watched already" in again.stderr) == (2, True)
    assert (own.status, "config.yaml:" in own.stderr) == (1, True)
    assert (near.status, "did you mean 'Nightly'?" in near.stderr) == (2, True)

    removed = await notifier.json("watch", "remove", "s_new")
    assert removed["removed"] == "s_new"
    assert removed["daemon"] == {"runs": True, "taken_up": True, "refused": []}
    assert [line["watches_removed"] for line in daemon.log.entries if line["event"] == "reload.done"] == [0, 1]
    assert not (notifier.folder / "watches.d" / "s_new.yaml").exists()
    assert [each["watch"] for each in notifier.glance("watch", "list")] == ["s_own"]
    assert (await daemon.stop()).status == 0
