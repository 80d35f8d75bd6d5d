"""What commands do is noted with from where, shown where it belongs, and removed with the rest of the history."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.fakes import REFUSED, START, Clock, watch
from support.outboxes import settled, sql, take, tell

from notifier.control.action_notes import command_of
from notifier.control.client import ask
from notifier.control.handler import DaemonActions
from notifier.control.protocol import GotThrough, Mute, Retry, Unmute
from notifier.control.server import listening
from notifier.core.resources import ActionResource
from notifier.store.reading.reading import Reading, Watched
from notifier.store.store import Store

WATCHED = Watched(watches=(watch("s_1"),), datasets=())
MINE = command_of(os.geteuid())


def noted(database: Path) -> list[tuple[str, str, str]]:
    """The action, subject and origin of each, the newest first."""
    return [(each.action, each.subject, each.origin) for each in Reading(database, Clock()).actions()]


async def test_what_commands_do_is_noted_with_and_without_a_daemon(database: Path) -> None:
    """A request that changes nothing is not."""
    async with Store(database) as store, listening(database, store, DaemonActions()):
        await ask(database, Mute(watch="s_1"))
        await ask(database, Unmute(watch="s_1"))
        await ask(database, Unmute(watch="s_1"))
        await ask(database, GotThrough(channel="chat"))
    await ask(database, Mute(watch="s_1", until=datetime(2027, 1, 1, tzinfo=UTC).isoformat()))
    await ask(database, Retry(ids=(7,)))
    expected = [("mute", "s_1"), ("test", "chat"), ("unmute", "s_1"), ("mute", "s_1")]
    assert noted(database) == [(*each, MINE) for each in expected]
    last = Reading(database, Clock()).actions(limit=1)[0]
    assert last.detail == "until 2027-01-01T00:00:00+00:00"


async def test_a_delivery_that_is_sent_again_is_noted_and_shown_with_its_watch(database: Path) -> None:
    async with Store(database) as store:
        await tell(store, "chat")
        await settled(store, (await take(store)).send, REFUSED)
    await ask(database, Retry(ids=(1,)))
    await ask(database, Mute(watch="s_2"))
    assert noted(database) == [("mute", "s_2", MINE), ("retry", "1", MINE)]
    shown = Reading(database, Clock()).watch(WATCHED, "s_1")
    assert shown is not None
    assert [(each.action, each.subject) for each in shown.actions] == [("retry", "1")]


async def test_old_actions_are_removed(database: Path) -> None:
    async with Store(database) as store:
        for age in range(1_200):
            at = START - timedelta(days=age)
            await store.actions.note([ActionResource(at=at, action="mute", subject="s_1", origin="page")])
        removed = await store.maintenance.prune(before=START - timedelta(days=90), watched=(), now=START)
    assert removed == 1_200 - 91
    assert sql(database, "SELECT count(*) FROM actions") == [(91,)]
