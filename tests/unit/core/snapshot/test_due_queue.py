"""Whose turn it is: the most overdue goes first, a young snapshot before an old one, and nobody starves."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifier.core.snapshot.due_queue import MOST_DEFERRED, Agenda, AgendaEntry, deferral
from notifier.core.snapshot.due_times import Grid

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND

seconds = st.integers(1, 3_600).map(lambda number: number * SECOND)
spans = st.sampled_from([10, 15, 30, 60, 600, 3_600]).map(lambda number: timedelta(seconds=number))


def holding(pauses: list[timedelta], dues: list[int]) -> Agenda:
    """An agenda of `s_0`, `s_1` …, each with its pause, due so long after NOW."""
    agenda = Agenda()
    for number, (pause, due) in enumerate(zip(pauses, dues, strict=True)):
        agenda.add(f"s_{number}", Grid.of(f"s_{number}", pause), NOW + due)
    return agenda


def turns(agenda: Agenda) -> list[str]:
    """Whose turn it is, until nobody is left in the queue."""
    return [entry.key for entry in iter(agenda.next, None)]


@given(st.lists(seconds, min_size=1), spans, st.integers(0, 3_600))
def test_of_entries_with_one_pause_the_most_overdue_goes_first(dues: list[int], pause: timedelta, passed: int) -> None:
    agenda, now = holding([pause] * len(dues), dues), NOW + passed * SECOND
    agenda.collect(now)
    went = [NOW + dues[int(key[2:])] for key in turns(agenda)]
    assert went == sorted(NOW + due for due in dues if NOW + due <= now)
    later = [NOW + due for due in dues if NOW + due > now]
    assert agenda.earliest() == agenda.most_overdue() == min(later, default=None)


@given(st.lists(spans, min_size=2), st.integers(0, 10))
def test_of_equally_overdue_entries_the_shorter_pause_goes_first(pauses: list[timedelta], late: int) -> None:
    agenda = holding(pauses, [0] * len(pauses))
    agenda.collect(NOW + late * SECOND)
    went = [Grid.of(key, pauses[int(key[2:])]).interval for key in turns(agenda)]
    assert [deferral(each) for each in went] == sorted(map(deferral, went))


@given(st.lists(spans, min_size=2, max_size=12), st.integers(1, 5_000))
def test_no_entry_starves_however_many_are_due(pauses: list[timedelta], milliseconds: int) -> None:
    """One poll a time, each of which takes as long: late by the deferral and by one turn of each at the most."""
    agenda, took, now = holding(pauses, [0] * len(pauses)), milliseconds * 1_000, NOW
    for _ in range(40 * len(pauses)):
        agenda.collect(now)
        entry = agenda.next()
        if entry is None:
            now = agenda.earliest() or now
            continue
        pause, due = pauses[int(entry.key[2:])], agenda.begin(entry, now)
        assert 0 <= now - due <= deferral(entry.grid.interval) + len(pauses) * took
        now += took
        entry.running = False
        agenda.again(entry, pause, now)


@given(seconds)
def test_no_entry_goes_behind_one_that_falls_due_much_later(interval: int) -> None:
    assert 0 <= deferral(interval) <= min(interval, MOST_DEFERRED)


steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "hasten", "advance", "pass", "turn", "end", "leave"]),
        st.integers(0, 3),
        st.integers(0, 120),
    ),
    max_size=40,
)


@given(steps)
def test_each_entry_has_one_place_whatever_is_added_removed_and_moved(plan: list[tuple[str, int, int]]) -> None:
    """Never twice at once and never after its removal; what is not being polled is due at some time."""
    agenda, now = Agenda(), NOW
    pause = timedelta(seconds=30)
    running: dict[str, AgendaEntry] = {}
    removed: set[str] = set()
    for verb, number, span in plan:
        key, at = f"s_{number}", now + span * SECOND
        match verb:
            case "add":
                if key not in removed or key not in running:  # else it would be another one under the same key
                    agenda.add(key, Grid.of(key, pause), at)
                    removed.discard(key)
            case "remove":
                agenda.remove(key)
                removed.add(key)
            case "hasten":
                agenda.hasten(key, now)
            case "advance":
                agenda.advance(key, at)
            case "pass":
                now = at
                agenda.collect(now)
            case "turn":
                entry = agenda.next()
                if entry is not None:
                    assert entry.key not in removed
                    assert entry.key not in running
                    assert agenda.begin(entry, now) <= now
                    running[entry.key] = entry
            case _:
                ending = running.pop(key, None)
                if ending is not None:
                    ending.running = False
                    agenda.again(ending, pause if verb == "end" else None, now)
                    if ending.due is None:
                        removed.add(key)
        assert {each for each, _ in agenda.dues()} >= set(agenda) - set(running)
        assert not removed.intersection(agenda)
    agenda.collect(now + 10_000 * SECOND)
    went = turns(agenda)
    assert sorted(went) == sorted(set(agenda) - set(running))


@given(spans, st.booleans())
def test_an_entry_that_is_hastened_while_it_is_polled_is_polled_once_more_unless_it_has_ended(
    pause: timedelta, last: bool
) -> None:
    """What the poll tells may have been true before the reason for haste was there."""
    agenda = holding([pause], [0])
    agenda.collect(NOW)
    entry = agenda.next()
    assert entry is not None
    agenda.begin(entry, NOW)
    agenda.hasten("s_0", NOW + SECOND)
    entry.running = False
    agenda.again(entry, None if last else pause, NOW + 2 * SECOND)
    assert list(agenda.dues()) == ([] if last else [("s_0", NOW + 2 * SECOND)])
    if not last:
        agenda.collect(NOW + 2 * SECOND)
        [again] = iter(agenda.next, None)
        agenda.begin(again, NOW + 2 * SECOND)
        again.running = False
        agenda.again(again, pause, NOW + 3 * SECOND)
        assert agenda.earliest() == Grid.of("s_0", pause).after(NOW + 3 * SECOND), "once more is enough"


@given(st.lists(seconds, min_size=1, max_size=10), st.integers(1, 400))
def test_a_clock_set_back_delays_no_poll_by_more_than_its_pause(dues: list[int], days: int) -> None:
    pause = timedelta(seconds=30)
    agenda, now = holding([pause] * len(dues), dues), NOW - days * 86_400 * SECOND
    agenda.realign(now)
    assert all(now < due <= now + 30 * SECOND for _, due in agenda.dues())
    agenda.collect(now + 30 * SECOND)
    assert len(turns(agenda)) == len(dues)
