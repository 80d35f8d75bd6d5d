"""Watches that come and go by commands while the daemon runs."""

import os

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.receivers import Receiver
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
    assert (again.status, "is already watched" in again.stderr) == (2, True)
    assert (own.status, "config.yaml:" in own.stderr) == (1, True)
    assert (near.status, "did you mean 'Nightly'?" in near.stderr) == (2, True)

    removed = await notifier.json("watch", "remove", "s_new")
    assert removed["removed"] == "s_new"
    assert removed["daemon"] == {"runs": True, "taken_up": True, "refused": []}
    assert [line["watches_removed"] for line in daemon.log.entries if line["event"] == "reload.done"] == [0, 1]
    assert not (notifier.folder / "watches.d" / "s_new.yaml").exists()
    assert [each["watch"] for each in notifier.glance("watch", "list")] == ["s_own"]
    assert (await daemon.stop()).status == 0


async def test_what_the_running_daemon_refuses_is_removed_again_with_its_reasons(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """What only the daemon's environment tells: `watch add` and `trigger` leave no file that stops later reloads."""
    include = ["watches.d/*.yaml", "${MORE:-none}/*.yaml"]
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_own"], include=include)
    (notifier.folder / "in.json").write_text('[{"url": "https://example.com/1"}]')
    (notifier.folder / "more").mkdir()
    coming = BrightData().account.make("gd_1").id  # what is triggered first has this id
    (notifier.folder / "more" / "a.yaml").write_text(f"watches: [{{snapshot: s_new}}, {{snapshot: {coming}}}]")
    daemon = await notifier.start("run", MORE="more")
    await daemon.wait_for_log("daemon.started")

    added = await notifier.command("watch", "add", "s_new")
    started = await notifier.command("trigger", "gd_1", "--input", "in.json")
    fine = await notifier.json("watch", "add", "s_fine")

    assert (added.status, started.status) == (1, 1)
    assert "s_new is not watched: " in added.stdout
    assert "The running daemon refuses the configuration:" in added.stdout
    assert "watches[0].snapshot" in added.stdout
    assert "was started, but it is not watched: " in started.stderr
    assert started.stdout == f"{coming}\n"
    assert "already watched" in started.stderr
    assert [each.name for each in (notifier.folder / "watches.d").iterdir()] == ["s_fine.yaml"]
    assert fine["daemon"]["taken_up"], fine
    assert (await daemon.stop()).status == 0


async def test_a_file_written_by_root_with_a_strict_umask_is_read_by_the_service(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """The file has the main file's owner, group and mode, and so has the folder, with search permission added."""
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_own"], include=["watches.d/*.yaml"])
    notifier.config.chmod(0o644)
    os.chown(notifier.config, 65534 if os.getuid() == 0 else -1, -1)
    before, umask = notifier.config.stat(), os.umask(0o077)
    try:
        await notifier.json("watch", "add", "s_new")
    finally:
        os.umask(umask)
    file = notifier.folder / "watches.d" / "s_new.yaml"
    for path, mode in ((file, 0o100644), (file.parent, 0o40755)):
        found = path.stat()
        assert (found.st_mode, found.st_uid, found.st_gid) == (mode, before.st_uid, before.st_gid)
