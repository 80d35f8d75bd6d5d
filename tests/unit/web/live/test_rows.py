"""The rows of a message are those of the pages, by their topics."""

from dataclasses import replace
from typing import Any

from support.page_world import DELIVERIES, NOW, SNAPSHOTS

from notifier.web.live.rows import Rows
from notifier.web.pages.rows import render_row


class Answers:
    """Answers with the first snapshot and the first delivery, and notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: Any = None

    async def rows(self, *asked: Any) -> Any:
        self.asked = asked
        return [replace(SNAPSHOTS[0], watch="gd/s_1")], [replace(DELIVERIES[0], id=7)]


async def test_a_row_has_the_key_of_its_topic() -> None:
    answers: Any = Answers()
    rows = await Rows(answers, lambda: NOW)(["watch:gd/s_1", "delivery:7", "watch:gone"])
    assert answers.asked == (["gd/s_1", "gone"], [7])
    assert rows == {
        "watch:gd/s_1": render_row(replace(SNAPSHOTS[0], watch="gd/s_1"), NOW),
        "delivery:7": render_row(replace(DELIVERIES[0], id=7), NOW),
    }
    assert all(f'data-key="{topic}"' in row for topic, row in rows.items())
