"""Everything that a list shows stands in its address, and nonsense in an address shows the plain list."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from support.page_world import NOW

from notifier.core.delivery.states import OPEN
from notifier.core.snapshot.statuses import Phase
from notifier.store.reading.filters import SnapshotFilters, Sort
from notifier.web.pages.filters import SORTS, SentFilters, WatchFilters

WORDS = st.text(st.characters(codec="utf-8"), max_size=20).map(str.strip)


@given(q=WORDS, status=WORDS, dataset=WORDS, sort=st.sampled_from(sorted(SORTS)))
def test_an_address_of_watches_gives_the_filters_that_it_was_made_of(
    q: str, status: str, dataset: str, sort: str
) -> None:
    filters = WatchFilters(q=q, status=status, dataset=dataset, sort=sort)
    assert WatchFilters.of(dict(parse_qsl(urlsplit(filters.url()).query))) == filters


@given(channel=WORDS, state=WORDS, watch=WORDS, since=st.sampled_from(["", "1h", "7d"]))
def test_an_address_of_deliveries_gives_the_filters_that_it_was_made_of(
    channel: str, state: str, watch: str, since: str
) -> None:
    filters = SentFilters(channel=channel, state=state, watch=watch, since=since)
    assert SentFilters.of(dict(parse_qsl(urlsplit(filters.url()).query))) == filters


def test_the_plain_address_asks_for_everything() -> None:
    assert WatchFilters.of({}).for_store(NOW) == SnapshotFilters()
    assert not WatchFilters.of({}).given
    assert WatchFilters().url() == "/#watches"
    assert SentFilters().url() == "/deliveries"


def test_nonsense_is_left_out() -> None:
    filters = WatchFilters.of({"sort": "sideways", "q": "  "})
    assert filters == WatchFilters()
    assert SentFilters.of({"since": "yesterday"}) == SentFilters()


def test_words_for_many_statuses_become_phases() -> None:
    assert set(WatchFilters(status="in-progress").for_store(NOW).phases) == {Phase.UNKNOWN, Phase.ACTIVE}
    assert set(WatchFilters(status="ended").for_store(NOW).phases) == {Phase.ENDED, Phase.MISSING}
    assert WatchFilters(status="muted").for_store(NOW) == SnapshotFilters(muted_at=NOW)
    assert tuple(WatchFilters(status="running", sort=Sort.NAME).for_store(NOW).statuses) == ("running",)


def test_words_for_deliveries_become_states_and_times() -> None:
    asked = SentFilters(state="open", since="7d").for_store(NOW)
    assert (tuple(asked.states), asked.since) == (OPEN, NOW - timedelta(days=7))
    assert tuple(SentFilters(state="dead").for_store(NOW).states) == ("dead",)
