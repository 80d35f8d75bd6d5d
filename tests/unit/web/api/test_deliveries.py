"""Deliveries are listed page by page, shown with their words, and sent again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.api_world import asking_api, fill
from support.fakes import START
from support.web import ACTIONS, being

from notifier.core.errors import StoreError

OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "notifier.db"
    fill(path, events=12)
    return path


class Noted:
    """Actions that note what they were asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.actions = replace(
            ACTIONS, retry=self._noting("retry", 1), retry_dead=self._noting("dead", 2), note=self._noting("note", None)
        )

    def _noting(self, name: str, answer: Any) -> Callable[..., Any]:
        async def note(*arguments: Any) -> Any:
            self.calls.append((name, *arguments))
            return answer

        return note


async def test_the_pages_follow_each_other_by_cursor_and_by_link(database: Path) -> None:
    async with asking_api(database) as client:
        whole = (await client.get("/api/v1/deliveries")).json()["items"]
        found, path = [], "/api/v1/deliveries?limit=5&channel=chat"
        while path:
            answer = await client.get(path)
            found += answer.json()["items"]
            path = answer.links["next"]["url"] if "next" in answer.links else ""
            assert ("next" in answer.links) == (answer.json()["next"] is not None)
    assert found == whole
    assert len(found) == 12


async def test_filters_choose_by_state_and_time(database: Path) -> None:
    async with asking_api(database) as client:
        dead = await client.get("/api/v1/deliveries", params={"state": ["dead", "dropped"], "watch": "s_1"})
        assert {each["state"] for each in dead.json()["items"]} == {"dead", "dropped"}
        since = (START + timedelta(seconds=10)).isoformat()
        late = await client.get("/api/v1/deliveries", params={"since": since})
        assert len(late.json()["items"]) == 2


async def test_one_delivery_has_its_message_and_its_attempts(database: Path) -> None:
    async with asking_api(database) as client:
        listed = (await client.get("/api/v1/deliveries?limit=1")).json()["items"][0]
        shown = (await client.get(f"/api/v1/deliveries/{listed['id']}")).json()
    assert (listed["message"], listed["attempts"]) == (None, None)
    assert shown["message"]["body"]
    assert [each["outcome"] for each in shown["attempts"]] == ["delivered"]
    assert {**listed, "message": 0, "attempts": 0} == {**shown, "message": 0, "attempts": 0}


async def test_a_retry_is_done_and_noted_with_its_origin(database: Path) -> None:
    noted = Noted()
    async with asking_api(database, actions=noted.actions) as client:
        one = await client.post("/api/v1/deliveries/1/retry", headers=OWN)
        some = await client.post("/api/v1/deliveries/retry", json={"ids": [1, 2]}, headers=OWN)
        body = {"channel": "chat", "since": "2026-11-23T14:32:00+01:00"}
        dead = await client.post("/api/v1/deliveries/retry-dead", json=body, headers=OWN)
    assert [each.json() for each in (one, some, dead)] == [{"retried": 1}, {"retried": 1}, {"retried": 2}]
    retried = [each[:2] for each in noted.calls if each[0] == "retry"]
    assert retried == [("retry", (1,)), ("retry", (1, 2))]
    (channel, since) = next(each[1:] for each in noted.calls if each[0] == "dead")
    assert (channel, since.isoformat()) == ("chat", "2026-11-23T13:32:00+00:00")
    assert noted.calls[-1] == ("note", "retry", "chat", "api 127.0.0.1", "2 sent again")


async def test_what_was_done_is_answered_so_even_if_the_history_cannot_note_it(database: Path) -> None:
    """An error would have the client do it again."""
    actions = replace(ACTIONS, retry=being(1), note=being(StoreError("locked")))
    async with asking_api(database, actions=actions) as client:
        answer = await client.post("/api/v1/deliveries/1/retry", headers=OWN)
    assert (answer.status_code, answer.json()) == (200, {"retried": 1})


async def test_nothing_is_sent_again_if_one_of_the_deliveries_does_not_exist(database: Path) -> None:
    noted = Noted()
    async with asking_api(database, actions=noted.actions) as client:
        answer = await client.post("/api/v1/deliveries/retry", json={"ids": [1, 99]}, headers=OWN)
    assert (answer.status_code, noted.calls) == (404, [])
    assert answer.json()["detail"].startswith("there is no delivery 99, so nothing was sent again")
