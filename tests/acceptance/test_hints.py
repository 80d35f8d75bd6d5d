"""Bright Data's request at the end of a collection, over real sockets: the end is told at once, and nobody gets in."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from support.ports import free_port

from acceptance.bright_data import BrightData
from acceptance.harness import DEADLINE, TOKEN, Notifier, Process
from acceptance.http_pages import Pages
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import life as lives

SECRET = "canary-h00k-0123456789abcdef"
PAGE_TOKEN = "canary-page-token-0123456789"
INPUT = '[{"url": "https://example.com/1"}]'
RATE = 20.0


@dataclass
class World:
    """A daemon that takes hints and polls by itself only every 10 s, and nobody else on its port."""

    api: BrightData
    notifier: Notifier
    url: str
    pages: Pages
    hooks: dict[str, Any]

    def configure(self, team: Receiver, watches: list[str], **hooks: object) -> None:
        self.notifier.configure(
            api=self.api.url,
            channels={"team": team.url},
            watches=watches,
            api_options={"requests_per_second": RATE},
            defaults={"every": "10m"},
            http={"listen": self.url.removeprefix("http://"), "token": PAGE_TOKEN, "public_url": self.url},
            hooks={"secret": SECRET, **hooks},
            include=["watches.d/*.yaml"],
        )

    async def daemon(self) -> Process:
        daemon = await self.notifier.daemon("--log-level", "debug")
        await daemon.wait_for_log("http.listening")
        return daemon

    async def post(self, secret: str = SECRET, **body: Any) -> int:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE)) as session:
            async with session.post(f"{self.url}/hooks/brightdata/{secret}", **body) as answer:
                return answer.status

    async def polls(self, snapshot_id: str) -> int:
        return sum(each.raw_path.endswith(f"/{snapshot_id}") for each in self.api.asked.entries)


@pytest.fixture
def world(api: BrightData, notifier: Notifier) -> World:
    """Nothing runs yet."""
    notifier.secrets |= {SECRET, PAGE_TOKEN}
    url = f"http://127.0.0.1:{free_port()}"
    return World(api=api, notifier=notifier, url=url, pages=Pages(url, PAGE_TOKEN), hooks={})


async def until_polled(api: BrightData, snapshot_id: str) -> None:
    """Wait for the first regular poll; the next one is 10 s away."""
    await api.asked.until(lambda asked: any(each.raw_path.endswith(f"/{snapshot_id}") for each in asked))


async def test_a_collection_that_the_command_triggered_is_told_of_as_soon_as_it_ends(
    world: World, team: Receiver
) -> None:
    """The command asks for the hint by itself, with the newest secret, and shows the secret nowhere."""
    world.configure(team, [])
    (world.notifier.folder / "in.json").write_text(INPUT)
    await world.daemon()
    world.api.order_life(lives.of("running", "ready", seconds=60, records=3, errors=0))

    dry = await world.notifier.command("trigger", "gd_1", "--input", "in.json", "--dry-run")
    assert f"notify={world.url.replace(':', '%3A').replace('/', '%2F')}%2Fhooks%2Fbrightdata%2F***" in dry.stdout
    started = await world.notifier.json("trigger", "gd_1", "--input", "in.json", "--name", "Nightly")
    await until_polled(world.api, started["snapshot"])
    began = time.monotonic()
    world.api.advance(61)
    await team.told(1)

    assert time.monotonic() - began < 5
    assert [each.news for each in team.received.entries] == [("Nightly", "ready")]
    assert [(each.snapshot_id, each.answer) for each in world.api.notifications.sent] == [(started["snapshot"], 202)]
    assert await world.pages.metric("notifier_hints_total", result="accepted") == 1


async def test_without_a_hint_nothing_is_asked_for(world: World, team: Receiver) -> None:
    world.configure(team, [])
    (world.notifier.folder / "in.json").write_text(INPUT)
    for options, expected in (
        (("--no-notify",), None),
        (("--notify-url", "https://example.com/mine"), "https://example.com/mine"),
        (("--param", "notify=https://example.com/x"), "https://example.com/x"),
    ):
        shown = await world.notifier.json("trigger", "gd_1", "--input", "in.json", "--dry-run", "--no-watch", *options)
        assert shown["query"].get("notify") == expected


async def test_a_collection_of_somebody_else_is_adopted_shown_and_told_of_once_across_a_kill(
    world: World, team: Receiver
) -> None:
    world.configure(team, [], adopt=True, labels={"found": "by a hint"})
    daemon = await world.daemon()
    world.api.add("s_foreign", lives.of("running", "ready", seconds=60, records=3, errors=0))
    assert await world.post(json={"snapshot_id": "s_foreign", "status": "ready"}) == 202
    assert await world.post(data={"snapshot_id": "s_none"}) == 202
    await daemon.wait_for_log("hint.adopted", snapshot="s_foreign")

    (shown,) = await world.notifier.json("status")
    assert (shown["watch"], shown["snapshot"], shown["status"]) == ("hooks/s_foreign", "s_foreign", "running")
    assert (await world.notifier.json("watch", "show", "hooks/s_foreign"))["configuration"]["labels"] == {
        "found": "by a hint"
    }
    await daemon.kill()
    daemon = await world.daemon()
    world.api.advance(61)
    for _ in range(3):
        assert await world.post(data=b"s_foreign") == 202
    await team.told(1)
    for _ in range(3):
        assert await world.post(data=b"s_foreign") == 202
    await daemon.stop()
    assert len(team.copies) == 1
    (message,) = team.received.entries
    assert message.news == ("s_foreign", "ready")


async def test_neither_guesses_nor_floods_nor_large_bodies_cost_more_than_their_share(
    world: World, team: Receiver
) -> None:
    """Polls go on, the right secret is let in, and the account's budget holds."""
    world.configure(team, ["s_mine", "s_end"], adopt=True)
    world.api.add("s_mine", lives.of("running", "ready", seconds=3_600, records=1))
    world.api.add("s_end", lives.of("running", "ready", seconds=60, records=1))
    daemon = await world.daemon()
    await until_polled(world.api, "s_end")
    began, asked = time.monotonic(), len(world.api.asked)

    wrong = [await world.post(f"{SECRET}{number}", data=b"s_mine") for number in range(15)]
    assert set(wrong) == {404, 429}
    assert await world.post(data=b"x" * 70_000) == 413
    assert await world.post(data=b"[" * 60_000) == 202
    for batch in range(20):
        ids = [f"s_made_up_{batch}_{number}" for number in range(50)]
        codes = await asyncio.gather(
            world.post(data=json.dumps({"snapshot_id": ids})), *(world.post(data=b"s_mine") for _ in range(25))
        )
        assert set(codes) == {202}
    world.api.advance(61)
    assert await world.post(json={"snapshot_id": "s_end"}) == 202
    await team.told(1)

    passed = time.monotonic() - began
    assert len(world.api.asked) - asked <= RATE * passed + 1 + RATE
    assert await world.polls("s_mine") <= 3 + passed
    assert daemon.alive
    assert await world.pages.metric("notifier_hints_total", result="refused") == 15
    assert await world.pages.metric("notifier_hints_total", result="coalesced") > 400
    assert TOKEN not in (await world.pages.get("/metrics")).text


async def test_what_a_hint_claims_is_never_believed(world: World, team: Receiver) -> None:
    world.configure(team, ["s_1"])
    world.api.add("s_1", lives.of("running", "failed", seconds=60, error_message="no"))
    await world.daemon()
    await until_polled(world.api, "s_1")
    assert await world.post(json={"snapshot_id": "s_1", "status": "ready", "records": 5}) == 202
    await world.api.more_asked(2)
    assert not team.copies
    world.api.advance(61)
    await team.told(1)
    assert [each.news for each in team.received.entries] == [("s_1", "failed")]
