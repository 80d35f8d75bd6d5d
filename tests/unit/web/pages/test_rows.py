"""A row that is rendered alone is the row of the page."""

import pytest
from support.page_world import CHANNELS, CONDITIONS, DATASETS, DELIVERIES, NOW, SNAPSHOTS

from notifier.core.resource_pages import SnapshotPage
from notifier.web.pages.filters import WatchFilters
from notifier.web.pages.overview import Overview, context
from notifier.web.pages.renderer import RENDERER
from notifier.web.pages.rows import Row, render_row

ROWS: list[tuple[Row, str]] = [
    (SNAPSHOTS[0], "watch:sd_mu3j5zf4i64vu5aoj"),
    (SNAPSHOTS[3], "watch:profiles/sd_mb71xw9c4o"),
    (DATASETS[0], "dataset:profiles"),
    (DELIVERIES[0], "delivery:45"),
    (CHANNELS[0], "channel:team-slack"),
    (CONDITIONS[0], "condition:channel:pager"),
]


@pytest.mark.parametrize(("resource", "key"), ROWS, ids=lambda each: each if isinstance(each, str) else "")
def test_a_row_has_the_key_by_which_it_is_replaced(resource: Row, key: str) -> None:
    assert f'data-key="{key}"' in render_row(resource, NOW)


def test_the_row_is_in_the_page_as_it_is_alone() -> None:
    page = SnapshotPage(snapshots=SNAPSHOTS, next_cursor=None, counts={"failed": 1}, datasets=DATASETS)
    found = Overview(
        page=page, counts=page.counts, conditions=CONDITIONS, channels=CHANNELS, dataset_names={}, any_watches=True
    )
    html = RENDERER.page("overview", now=NOW, **context(found, WatchFilters(), NOW))
    for resource in (*SNAPSHOTS, *DATASETS, *CONDITIONS):
        assert render_row(resource, NOW) in html
