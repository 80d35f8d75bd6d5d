"""One daemon for each database, and any number of commands beside it."""

import asyncio
import json

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.receivers import Answer, Receiver
from notifier.brightdata.simulator import life as lives

LOOKING = (("status",), ("delivery", "list"), ("channel", "list"))


async def look(notifier: Notifier, *form: str) -> dict[str, str]:
    """What every command that only looks prints; beside the table of `status`, how Bright Data does."""
    ended = await asyncio.gather(*(notifier.command(*command, *form) for command in LOOKING))
    for command, each in zip(LOOKING, ended, strict=True):
        beside = command == ("status",) and each.stderr.startswith("Bright Data: ok")
        assert each.status == 0, each
        assert each.stderr == "" or beside, each
    return {" ".join(command): each.stdout for command, each in zip(LOOKING, ended, strict=True)}


async def test_commands_tell_the_same_while_the_daemon_runs_and_after_it_ended(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """`status`, `delivery list` and `channel list` work beside a running daemon, and say the same without it."""
    api.add("s_ended", lives.partial(seconds=0, records=8, errors=2))
    api.add("s_running", lives.of("running", "ready"))
    ops.usual = Answer(status=401)
    notifier.configure(
        api=api.url,
        channels={"team": team.url, "ops": ops.url},
        watches=[{"snapshot": "s_ended", "name": "Nightly"}, "s_running"],
    )
    daemon = await notifier.daemon()
    await daemon.wait_for_log("delivery.delivered", channel="team")
    await daemon.wait_for_log("delivery.retrying", channel="ops")
    await daemon.wait_for_log("transition.committed", snapshot="s_running")

    tables, running = await look(notifier), await look(notifier, "--json")
    assert (await daemon.stop()).status == 0
    after = await look(notifier, "--json")

    assert running["delivery list"] == after["delivery list"]
    for seen in (running, after):
        watches = {each["snapshot"]: each for each in json.loads(seen["status"])}
        assert watches["s_ended"]["status"] == "ready"
        assert watches["s_ended"]["next_poll"] is None
        assert watches["s_ended"]["deliveries"] == {"delivered": 1, "retrying": 1}
        assert watches["s_running"]["status"] == "running"
    expected = {"channel": "ops", "service": "json", "watches": 2, "operators": False, "deliveries": {"retrying": 1}}
    for seen in (running, after):
        channels = {each["channel"]: each for each in json.loads(seen["channel list"])}
        assert channels["team"]["deliveries"] == {"delivered": 1}
        assert expected.items() <= channels["ops"].items()
    assert [line.split()[:3] for line in tables["status"].splitlines()] == [  # with no column that repeats another
        ["WATCH", "NAME", "STATUS"],
        ["s_ended", "Nightly", "ready"],
        ["s_running", "s_running", "running"],
    ]
    assert "delivered " in tables["delivery list"]
    assert "retrying (http_401)" in tables["delivery list"]
    assert tables["delivery list"].count("⚠️ Nightly: ready with errors: 8 records, 2 errors") == 2
    assert [line.split()[0] for line in tables["channel list"].splitlines()] == ["NAME", "team", "ops"]


async def test_a_second_daemon_on_the_same_database_is_refused(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """It ends with status 1 and says who has the database and what to do; the first goes on undisturbed."""
    api.add("s_1", lives.complete(seconds=60))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    first = await notifier.daemon()

    for second in await asyncio.gather(notifier.command("run"), notifier.command("run", "--once")):
        assert second.status == 1
        assert second.stderr == (
            f"notifier: {notifier.database}: another notifier (process {first.pid}) is running on this database; "
            "stop it first, or give this one a database of its own with `state:`\n"
        )

    api.advance(60)
    await first.wait_for_log("delivery.delivered")
    assert len(team.received) == 1
