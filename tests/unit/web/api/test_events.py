"""Events are listed with their deliveries; one is shown with its message, and so is a notice."""

from datetime import timedelta
from pathlib import Path

import pytest
from support.api_world import asking_api, fill
from support.fakes import START


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "notifier.db"
    fill(path)
    return path


async def test_they_are_filtered_by_watch_and_time(database: Path) -> None:
    async with asking_api(database) as client:
        of_watch = (await client.get("/api/v1/events?watch=gd_1")).json()["items"]
        since = (START + timedelta(seconds=3)).isoformat()
        late = (await client.get("/api/v1/events", params={"since": since})).json()["items"]
    assert [each["event_id"] for each in of_watch] == ["evt_of_a_dataset0"]
    assert [each["at"] for each in late] == sorted((each["at"] for each in late), reverse=True)
    assert len(late) == 2


async def test_one_has_its_message_and_its_deliveries(database: Path) -> None:
    async with asking_api(database) as client:
        shown = (await client.get(f"/api/v1/events/evt_{1:016x}")).json()
        silent = (await client.get("/api/v1/events/evt_of_a_dataset0")).json()
        unknown = await client.get("/api/v1/events/evt_f")
    assert (shown["watch"], shown["status"], shown["notice"]) == ("s_1", "ready", None)
    assert shown["message"]["title"]
    assert [each["state"] for each in shown["deliveries"]] == ["dead"]
    assert silent["deliveries"] == []
    assert unknown.status_code == 404
