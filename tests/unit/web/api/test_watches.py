"""Watches are listed as configured, shown with their history, muted, unmuted and polled."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.api_world import NOW, asking_api, fill
from support.web import ACTIONS, being

from notifier.core.action_results import PollResult

OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "notifier.db"
    fill(path)
    return path


async def test_they_come_in_the_order_of_the_configuration_page_by_page(database: Path) -> None:
    async with asking_api(database) as client:
        first = (await client.get("/api/v1/watches?limit=2")).json()
        second = (await client.get("/api/v1/watches", params={"limit": 2, "cursor": first["next"]})).json()
    assert [each["watch"] for each in first["items"] + second["items"]] == ["s_1", "s_2", "gd_1"]
    assert second["next"] is None
    assert (second["items"][0]["dataset"], second["items"][0]["every"]) == ("gd_1", "30s")


@pytest.mark.parametrize(("called", "found"), [("Prices", 2), ("s_2", 1), ("gd_1", 1), ("other", 0)])
async def test_they_are_found_by_id_snapshot_dataset_or_name(database: Path, called: str, found: int) -> None:
    async with asking_api(database) as client:
        page = (await client.get("/api/v1/watches", params={"called": called})).json()
    assert len(page["items"]) == found


async def test_one_has_its_events_and_settings_also_if_a_dataset_found_it(database: Path) -> None:
    async with asking_api(database) as client:
        own = (await client.get("/api/v1/watches/s_1")).json()
        found = (await client.get("/api/v1/watches/gd_1/sd_0")).json()
        encoded = (await client.get("/api/v1/watches/gd_1%2Fsd_0")).json()
    assert (own["snapshot"]["status"], len(own["events"]), own["configuration"]["every"]) == ("ready", 5, "30s")
    assert found["snapshot"]["watch"] == "gd_1/sd_0"
    assert encoded == found


async def test_a_watch_of_a_dataset_is_shown_as_a_dataset(database: Path) -> None:
    async with asking_api(database) as client:
        refused = await client.get("/api/v1/watches/gd_1")
        shown = (await client.get("/api/v1/datasets/gd_1")).json()
    assert (refused.status_code, "/api/v1/datasets/" in refused.json()["detail"]) == (404, True)
    assert shown["watch"]["in_progress"] == 3


@pytest.mark.parametrize(
    ("body", "until"),
    [
        (None, None),
        ({}, None),
        ({"for": "2h"}, NOW + timedelta(hours=2)),
        ({"until": "2026-12-01T00:00:00+01:00"}, datetime.fromisoformat("2026-11-30T23:00:00Z")),
    ],
)
async def test_a_watch_is_muted_for_a_time_until_a_time_or_for_good(
    database: Path, body: Any, until: datetime | None
) -> None:
    muted: list[Any] = []

    async def mute(*arguments: Any) -> None:
        muted.append(arguments)

    async with asking_api(database, actions=replace(ACTIONS, mute=mute)) as client:
        given = {} if body is None else {"json": body}
        answer = await client.post("/api/v1/watches/gd_1/sd_0/mute", headers=OWN, **given)
    assert answer.status_code == 200, answer.text
    assert muted == [("gd_1/sd_0", until)]
    said = answer.json()
    assert said["muted"] == "gd_1/sd_0"
    assert (said["until"] and datetime.fromisoformat(said["until"])) == until


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"for": "2h", "until": "2026-12-01T00:00:00Z"}, "keep one"),
        ({"for": "2"}, "needs its unit"),
        ({"for": 2}, "is not a duration"),
        ({"until": "tomorrow"}, "is not a time such as"),
        ({"until": "2026-12-01T00:00:00"}, "is not a time such as"),
        ({"lasting": "2h"}, "is not known here"),
    ],
)
async def test_a_time_that_is_none_is_refused_in_words(database: Path, body: Any, words: str) -> None:
    async with asking_api(database) as client:
        answer = await client.post("/api/v1/watches/s_1/mute", json=body, headers=OWN)
    assert (answer.status_code, words in answer.json()["detail"]) == (422, True), answer.text


async def test_unmuting_says_whether_it_was_muted(database: Path) -> None:
    async with asking_api(database, actions=replace(ACTIONS, unmute=being(True))) as client:
        answer = await client.post("/api/v1/watches/s_1/unmute", headers=OWN)
    assert answer.json() == {"unmuted": "s_1", "was_muted": True}


async def test_a_snapshot_that_has_not_ended_is_polled_and_any_other_is_not(database: Path) -> None:
    asked: list[str] = []

    async def poll(snapshot: str) -> PollResult | None:
        asked.append(snapshot)
        return PollResult(polled=snapshot, answer="running", text="Polled.") if snapshot != "s_1" else None

    async with asking_api(database, actions=replace(ACTIONS, poll_now=poll)) as client:
        statuses = [
            (await client.post(f"/api/v1/watches/{each}/poll", headers=OWN)).status_code
            for each in ("s_2", "gd_1/sd_0", "s_1", "gd_1", "none")
        ]
    assert statuses == [200, 200, 409, 409, 404]
    assert asked == ["s_2", "sd_0", "s_1"]


async def test_a_watch_that_was_never_polled_has_an_empty_history(database: Path) -> None:
    async with asking_api(database) as client:
        shown = (await client.get("/api/v1/watches/s_2")).json()
    assert (shown["snapshot"]["watch"], shown["statuses"], shown["events"]) == ("s_2", [], [])
