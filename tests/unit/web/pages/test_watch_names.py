"""A watch is found by its id, its snapshot, its name or a part of that which no other name has."""

from dataclasses import replace
from typing import Any

import pytest
from support.web import empty_config

from notifier.core.snapshot.model import DatasetWatch, Watch
from notifier.web.pages.watch_names import names_of, several_called, watch_called

OPTIONS: dict[str, Any] = {"every": None, "notify": (), "on": ()}
CONFIG = replace(
    empty_config(),
    watches=(
        Watch(id="w1", name="Amazon products, nightly", snapshot_id="sd_1", **OPTIONS),
        Watch(id="w2", name="Amazon sellers", snapshot_id="sd_2", **OPTIONS),
    ),
    datasets=(DatasetWatch(id="profiles", name="Profiles", dataset_id="gd_1", **OPTIONS),),
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("w1", "w1"),
        ("sd_2", "w2"),
        ("gd_1", "profiles"),
        ("amazon SELLERS", "w2"),
        ("nightly", "w1"),
        ("amazon", "amazon"),
        ("Profiles (sd_9)", "profiles/sd_9"),
        ("profiles/sd_9", "profiles/sd_9"),
        ("unheard (of)", "unheard (of)"),
        ("", ""),
    ],
)
def test_what_is_asked_for_becomes_an_id_if_only_one_watch_is_meant(asked: str, found: str) -> None:
    assert watch_called(CONFIG, asked) == found


def test_several_that_may_be_meant_are_named() -> None:
    assert several_called(CONFIG, "amazon") == ["Amazon products, nightly", "Amazon sellers"]
    assert several_called(CONFIG, "nightly") == []
    assert len(names_of(CONFIG)) == 3
