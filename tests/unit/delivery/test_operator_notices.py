"""What operators are told: each trouble once and its end once, through the channels that work. The store is real."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import DELIVERED, DOWN, START, Clock
from support.outboxes import rows, sql

from notifier.core.delivery.model import Notice
from notifier.core.health.api import ApiKind, ApiNews
from notifier.core.health.channel import ChannelVerdict
from notifier.core.health.conditions import Condition
from notifier.core.snapshot.refusals import RefusalNews
from notifier.core.work_units import Kinds, Unit, UnitFault
from notifier.delivery.operator_notices import MOST_REFUSED, MOST_WORDS, OperatorNotices
from notifier.store.store import Store

ERROR = "config.yaml:3:1: wathces: no such key"


class Desk:
    """The notices to two channels, `chat` and `mail`; `woken` is which channels got something to deliver."""

    def __init__(self, store: Store, *channels: str) -> None:
        self.store, self.clock = store, Clock()
        self.woken: list[list[str]] = []
        self.notices = OperatorNotices(
            channels=channels or ("chat", "mail"),
            outbox=store.outbox,
            conditions=store.conditions,
            clock=self.clock,
            committed=self._committed,
        )

    def _committed(self, channels: Collection[str]) -> None:
        self.woken.append(list(channels))

    async def conditions(self) -> dict[str, str]:
        """What is in trouble."""
        return {each.subject: each.kind for each in await self.store.conditions.standing()}


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def told(database: Path) -> list[tuple[str, str]]:
    """The channel and the kind of every notice that is to be told."""
    return [(row.channel, row.event.kind) for row in rows(database) if isinstance(row.event, Notice)]


def said(database: Path) -> list[tuple[str, str]]:
    """The subject and the kind of every notice."""
    return sql(database, "SELECT subject, kind FROM notices ORDER BY rowid")


async def test_a_channels_trouble_is_told_through_the_others(desk: Desk, database: Path) -> None:
    await desk.notices.channel_changed("chat", ChannelVerdict.BROKEN, DOWN)
    desk.clock.pass_(seconds=1)
    await desk.notices.channel_changed("chat", ChannelVerdict.BROKEN, DOWN)
    assert await desk.conditions() == {"channel:chat": "broken"}
    desk.clock.pass_(seconds=1)
    await desk.notices.channel_changed("chat", ChannelVerdict.HEALED, DELIVERED)
    assert told(database) == [("mail", "broken"), ("mail", "healed")]
    assert desk.woken == [["mail"], ["mail"]]
    assert await desk.conditions() == {}


async def test_the_end_of_a_trouble_that_was_never_told_is_not_told(desk: Desk, database: Path) -> None:
    await desk.notices.channel_changed("chat", ChannelVerdict.HEALED, DELIVERED)
    await desk.notices.api_changed(ApiNews(kind=ApiKind.OK, previous=ApiKind.UNREACHABLE, at=START))
    await desk.notices.reloaded(())
    await desk.notices.listening("127.0.0.1:8787", "")
    await desk.notices.machine_changed("")
    await desk.notices.store_works()
    assert said(database) == []
    assert desk.woken == []


async def test_an_unknown_status_word_is_told_once_for_ever_and_never_very_many(desk: Desk, database: Path) -> None:
    for number in (0, 0, *range(100)):
        desk.clock.pass_(days=1)
        await desk.notices.unknown_word(f"Wörd {number}" if number else "unheard_of", "s_1")
        await desk.notices.unknown_word("UNHEARD_OF", "s_2")
    subjects = [row[0] for row in sql(database, "SELECT subject FROM notices ORDER BY at")]
    assert subjects == ["status:unheard_of", *(f"status:wörd {number}" for number in range(1, MOST_WORDS))]
    (title, body), *_, (_, last) = sql(database, "SELECT title, body FROM notices ORDER BY at")
    assert title == "Bright Data reports an unknown status: unheard_of"
    assert body.startswith("The snapshot s_1 has it. It counts as in progress")
    assert last.endswith("There are no notices of further unknown words; the log has them.")
    assert await desk.conditions() == {}


async def test_a_trouble_that_nobody_can_be_told_is_remembered_all_the_same(store: Store, database: Path) -> None:
    lonely = Desk(store, "chat")
    await lonely.notices.channel_changed("chat", ChannelVerdict.BROKEN, DOWN)
    assert rows(database) == []
    assert await lonely.conditions() == {"channel:chat": "broken"}
    assert sql(database, "SELECT title, body FROM notices")[0][0] == "the channel chat is broken"


async def test_a_trouble_of_the_api_is_told_once_with_what_to_do_and_its_end_once(desk: Desk, database: Path) -> None:
    locked = ApiNews(kind=ApiKind.UNAUTHORISED, previous=ApiKind.OK, at=desk.clock(), detail="HTTP 401: no")
    over = ApiNews(kind=ApiKind.OK, previous=locked.kind, at=desk.clock(), lasted=timedelta(minutes=3))
    for news in (locked, locked, over, over):
        await desk.notices.api_changed(news)
    told_of = sql(database, "SELECT subject, kind, title, body FROM notices ORDER BY at, rowid")
    assert [(row[0], row[1]) for row in told_of] == [("api", "unauthorised"), ("api", "ok")]
    assert "HTTP 401: no" in told_of[0][3]
    assert "`api:`" in told_of[0][3]
    assert "Nothing is lost" in told_of[0][3]
    assert "(the token was refused) is over after 3 min" in told_of[1][3]


@pytest.mark.parametrize("kind", [kind for kind in ApiKind if kind is not ApiKind.OK])
async def test_every_trouble_of_the_api_has_its_words_and_gives_way_to_the_next(
    desk: Desk, database: Path, kind: ApiKind
) -> None:
    held = timedelta(minutes=5)
    news = ApiNews(kind=kind, previous=ApiKind.OK, at=desk.clock(), held_for=held, detail="HTTP 503")
    await desk.notices.api_changed(news)
    assert await desk.store.conditions.standing() == [
        Condition(subject="api", kind=kind, since=desk.clock(), detail="HTTP 503")
    ]
    await desk.notices.api_changed(replace(news, kind=ApiKind.OK, previous=kind))
    for title, body in sql(database, "SELECT title, body FROM notices"):
        assert title.startswith("Bright Data ")
        assert body.endswith(".")
    assert len(said(database)) == 2


async def test_a_start_with_the_last_configuration_is_told_and_its_errors_not_once_more(
    desk: Desk, database: Path
) -> None:
    await desk.notices.started_with_last([ERROR], START)
    await desk.notices.reloaded([ERROR])
    assert await desk.conditions() == {"reload": "last"}
    await desk.notices.reloaded(())
    await desk.notices.reloaded([ERROR])
    assert said(database) == [("reload", "last"), ("reload", "ok"), ("reload", "refused")]


async def test_so_many_refused_watches_are_told_at_a_time(desk: Desk, database: Path) -> None:
    for number in range(MOST_REFUSED + 5):
        await desk.notices.refusal_changed(RefusalNews(subject=f"s_{number}", name="Prices", over=False, count=3))
    assert len(await desk.conditions()) == MOST_REFUSED
    await desk.notices.refusal_changed(RefusalNews(subject="s_0", name="Prices", over=True))
    await desk.notices.refusal_changed(RefusalNews(subject=f"s_{MOST_REFUSED}", name="Prices", over=True))
    await desk.notices.refusal_changed(RefusalNews(subject="s_new", name="Prices", over=False, count=3))
    assert said(database)[MOST_REFUSED:] == [("refused:s_0", "ok"), ("refused:s_new", "refuses")]


async def test_an_internal_error_is_over_when_its_kind_has_not_come_up_for_long(desk: Desk, database: Path) -> None:
    await desk.notices.faulted(UnitFault(unit=Unit.LIST, subject="gd_1", error=ValueError("no")))
    await desk.notices.faults_over(Kinds(), START)
    assert await desk.conditions() == {"internal_error:list:ValueError": "internal_error"}
    desk.clock.pass_(hours=3)
    for _ in range(2):
        await desk.notices.faults_over(Kinds(), START)
    assert [kind for _, kind in said(database)] == ["internal_error", "ok"]
    (title,) = sql(database, "SELECT title FROM notices WHERE kind = 'ok'")[0]
    assert title == "the internal error in a list of a dataset is over: ValueError"
