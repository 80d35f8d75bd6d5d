"""When a 4xx is taken for good, and how often is polled on then."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifier.core.snapshot.model import NotFound, Observation, Reason, Seen, Unclear
from notifier.core.snapshot.refusals import LONGEST_REFUSED_PAUSE, NONE, REFUSED_TIMES, Refusals, after, refused_pause

REFUSED = Unclear(reason=Reason.REFUSED, detail="HTTP 400: snapshot_id is not valid")
OTHERS = [Unclear(reason=reason) for reason in Reason if reason is not Reason.REFUSED]
CLEAR: list[Observation] = [Seen(status="running"), NotFound()]
observations = st.lists(st.sampled_from([REFUSED, *OTHERS, *CLEAR]), max_size=30)
usual_pauses = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=1))


def refusals_of(seen: list[Observation]) -> Refusals:
    found = NONE
    for observation in seen:
        found = after(found, observation)
    return found


@given(observations)
def test_refusals_are_final_after_three_in_a_row(seen: list[Observation]) -> None:
    clear = [number for number, each in enumerate(seen) if each in CLEAR]
    since = seen[clear[-1] + 1 :] if clear else seen
    assert refusals_of(seen).for_good == (since.count(REFUSED) >= REFUSED_TIMES)


def test_refusals_keep_the_detail_of_the_last_answer() -> None:
    other = Unclear(reason=Reason.REFUSED, detail="HTTP 410: gone")
    assert refusals_of([REFUSED, REFUSED, other]).detail == "HTTP 410: gone"


@given(usual_pauses, st.integers(0, 10_000))
def test_pauses_grow_from_the_usual_one_up_to_a_bound(usual: timedelta, number: int) -> None:
    pause, next_pause = (refused_pause(Refusals(count=count), usual) for count in (number, number + 1))
    assert usual <= pause <= next_pause <= max(usual, LONGEST_REFUSED_PAUSE)
    assert number >= REFUSED_TIMES or pause == usual


def test_a_watch_that_is_polled_every_half_minute_comes_to_ten_minutes() -> None:
    pauses = [refused_pause(Refusals(count=count), timedelta(seconds=30)).total_seconds() for count in range(1, 9)]
    assert pauses == [30, 30, 60, 120, 240, 480, 600, 600]
