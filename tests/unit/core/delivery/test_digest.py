"""Many events as one message: nothing that must be acted upon is overlooked, and nothing is too long."""

import re
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from support.deliveries import event_about
from support.fakes import START, notice

from notifier.core.delivery.digest import MOST_LINES, batchable, digest
from notifier.core.delivery.message_text import Fits, fitted, message
from notifier.core.delivery.model import Deliverable, Message
from notifier.core.snapshot.model import Facts
from notifier.core.words import safe

statuses = st.sampled_from(["ready", "failed", "canceled", "missing", "running"]) | st.text(min_size=1, max_size=40)
facts = st.builds(Facts, records=st.none() | st.integers(0, 9), errors=st.none() | st.integers(0, 2))
event_lists = st.lists(st.tuples(statuses, facts), min_size=1, max_size=150).map(
    lambda drawn: [event_about(f"s_{n}", status, facts=known) for n, (status, known) in enumerate(drawn)]
)
notices = st.lists(st.sampled_from(["broken", "healed", "finding"]), unique=True).map(
    lambda kinds: [notice(kind) for kind in kinds]
)
lists = st.tuples(event_lists, notices).map(lambda both: [*both[0], *both[1]])
limits = st.integers(200, 10_000)


def at_most(limit: int) -> Fits:
    return lambda message: len(message.body) <= limit


def made(told: list[Deliverable], limit: int = 100_000) -> Message:
    return digest(told, at_most(limit))


@given(st.sampled_from([event_about("s_1"), event_about("s_1", "failed"), notice()]), limits)
def test_one_is_its_own_message(told: Deliverable, limit: int) -> None:
    assert made([told], limit) == fitted(told, at_most(limit))
    assert made([told]) == message(told)


@given(lists, st.integers(60, 10_000))
def test_each_leaves_whole_in_the_first_message_that_has_room_for_it(told: list[Deliverable], limit: int) -> None:
    fits, waiting = at_most(limit), list(told)
    while waiting:
        going = batchable(waiting, fits)
        assert 1 <= len(going) <= MOST_LINES
        text = digest(going, fits)
        assert fits(text)
        assert text.body.count("\n") + 1 == len(going) or len(going) == 1
        assert [each.id for each in going if not re.search(rf"{re.escape(each.id)}$", text.body, re.MULTILINE)] == []
        left = [each for each in waiting if each not in going]
        assert len(left) == len(waiting) - len(going)
        if left and 1 < len(going) < MOST_LINES:
            assert not fits(digest([*going, _next(waiting, going)], fits))
        waiting = left


def _next(waiting: list[Deliverable], going: Sequence[Deliverable]) -> Deliverable:
    """What the next message begins with."""
    return batchable([each for each in waiting if each not in going], lambda message: True)[0]


@given(lists.filter(lambda told: len(told) > 1))
def test_the_title_counts_everything_once_in_one_line(told: list[Deliverable]) -> None:
    title = made(told).title
    found = re.fullmatch(r"\S+ ([\d,]+) (?:snapshots|messages): .+", title)
    assert found is not None
    assert int(found[1].replace(",", "")) == len(told)
    assert safe(title) == title
    assert len(title) < 400


def test_the_counts_of_the_title_add_up() -> None:
    told = [event_about(f"s_{n}", f"word {n}") for n in range(40)] + [event_about("s_x", "failed")]
    counts = [int(number) for number in re.findall(r"(\d+) (?:word|failed|other)", made(list(told)).title)]
    assert sum(counts) == len(told)


def test_the_failures_come_first_in_the_title_and_in_the_body() -> None:
    told: list[Deliverable] = [
        event_about("s_ready"),
        event_about("s_running", "running"),
        event_about("s_partial", facts=Facts(records=5, errors=1)),
        event_about("s_empty", facts=Facts(records=0)),
        event_about("s_canceled", "canceled"),
        event_about("s_missing", "missing"),
        event_about("s_failed", "failed"),
    ]
    text = made(told)
    assert text.title == "❌ 7 snapshots: 1 failed, 1 missing, 1 canceled, 1 empty, 1 partial, 1 ready, 1 running"
    order = ["s_failed", "s_missing", "s_canceled", "s_empty", "s_partial", "s_ready", "s_running"]
    assert [line.split(" · ")[1] for line in text.body.split("\n")] == order


def test_of_a_thousand_the_failures_go_first() -> None:
    told: list[Deliverable] = [event_about(f"s_{n}") for n in range(990)]
    told += [event_about(f"s_f{n}", "failed") for n in range(10)]
    going = batchable(told, at_most(2_000))
    text = digest(going, at_most(2_000))
    assert 10 < len(going) < 100
    assert text.title == f"❌ {len(going)} snapshots: 10 failed, {len(going) - 10} ready"
    assert text.body.count("❌") == 10


def test_what_is_about_the_notifier_is_no_snapshot() -> None:
    told: list[Deliverable] = [notice(at=START), event_about("s_1")]
    assert made(told).title == "🛠️ 2 messages: 1 notice, 1 ready"
