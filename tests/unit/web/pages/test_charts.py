"""Charts fill any width, say in words what they show, and mark what is unusual by more than a colour."""

import re
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.page_world import NOW, STATUSES, before

from notifier.core.resource_parts import StatusSpanResource, UsualResource
from notifier.web.pages.charts import Point, columns, lasted, status_bar, whole

USUAL = UsualResource(median=100, low=90, high=110, collections=9)
DURATIONS = st.lists(st.integers(0, 10**8), min_size=1, max_size=60)


@given(DURATIONS)
def test_the_parts_of_a_bar_fill_its_width(seconds: list[int]) -> None:
    spans, at = [], NOW - timedelta(seconds=sum(seconds))
    for each in seconds:
        spans.append(StatusSpanResource(status="running", begin=at, end=at + timedelta(seconds=each)))
        at += timedelta(seconds=each)
    widths = [float(each) for each in re.findall(r'y="0" width="([\d.]+)%"', status_bar(spans, NOW))]
    assert len(widths) == len(seconds)
    assert all(each > 0 for each in widths)
    assert 80 < sum(widths) <= 100.5


def test_a_bar_says_what_it_shows() -> None:
    bar = status_bar(STATUSES, NOW)
    assert 'role="img"' in bar
    assert (
        'aria-label="Statuses over time: starting for 30 s, then running for 4 min 10 s, then failed for 8 min"' in bar
    )
    assert "<title>failed, 8 min, from 2026-11-23 14:24:00 UTC</title>" in bar


def test_nothing_is_drawn_of_nothing() -> None:
    assert status_bar((), NOW) == ""
    assert columns([], title="Records", usual=None, number=whole) == ""
    assert columns([Point(said="x", value=None, status="failed")], title="Records", usual=None, number=whole) == ""


def test_a_clock_that_went_back_draws_no_negative_width() -> None:
    span = StatusSpanResource(status="running", begin=NOW, end=before(minutes=1))
    assert 'width="-' not in status_bar([span], NOW)
    assert lasted(span, NOW) == "0 s"


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=80), st.none() | st.just(USUAL))
def test_columns_stay_within_their_plot(values: list[float], usual: UsualResource | None) -> None:
    points = [Point(said=str(each), value=each, status="ready") for each in values]
    drawn = columns(points, title="Records", usual=usual, number=whole)
    for y, height in re.findall(r' y="(-?[\d.]+)" width="[\d.]+%" height="([\d.]+)" rx', drawn):
        assert float(y) >= 0
        assert float(y) + float(height) <= 168.2


def test_a_failure_and_what_is_unusual_have_a_mark() -> None:
    points = [
        Point(said="usual", value=100, status="ready"),
        Point(said="few", value=2, status="ready"),
        Point(said="failed", value=100, status="failed"),
        Point(said="unknown", value=None, status="failed"),
    ]
    drawn = columns(points, title="Records", usual=USUAL, number=whole)
    assert re.findall(r'class="flag"[^>]*>(.)<', drawn) == ["!", "×"]
    assert drawn.count('class="hollow"') == 1
    assert "usual is 90 to 110" in drawn


def test_a_text_in_a_chart_is_text() -> None:
    drawn = columns([Point(said="<b>&", value=1, status="ready")], title="Records", usual=None, number=whole)
    assert "&lt;b&gt;&amp;" in drawn
    assert "<b>" not in drawn
