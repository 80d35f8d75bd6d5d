"""The simulated Bright Data notifies of an end as the API documents it, and with the faults that a network has."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from support.web_server import serving

from notifier.brightdata.simulator import Simulator, life
from notifier.brightdata.simulator.faults import parse_chances
from notifier.brightdata.simulator.notifications import EARLY_S, LATE_S, NotifyFault

SPEED = 1_000.0


class Hook:
    """What came, each with the time since the snapshot began in simulated seconds."""

    def __init__(self) -> None:
        self.came: list[tuple[str, dict[str, str], str]] = []
        self.url = ""
        self._more = asyncio.Event()

    async def take(self, request: web.BaseRequest) -> web.Response:
        self.came.append((request.method, json.loads(await request.read()), request.headers.get("Authorization", "")))
        self._more.set()
        return web.Response(status=202)

    async def count(self, number: int) -> None:
        async with asyncio.timeout(5):
            while len(self.came) < number:
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def hook() -> AsyncIterator[Hook]:
    taking = Hook()
    async with serving(taking.take) as port:
        taking.url = f"http://127.0.0.1:{port}/hook"
        yield taking


async def test_a_trigger_with_notify_is_answered_by_one_post_at_the_end() -> None:
    async with hook() as taking, Simulator(speed=SPEED) as simulator, aiohttp.ClientSession() as session:
        simulator.order_life(life.failed(seconds=60))
        query = {"dataset_id": "gd_1", "notify": taking.url, "auth_header": "Bearer of-the-hook"}
        url = f"{simulator.url}/datasets/v3/trigger"
        async with session.post(url, params=query, json=[{}], headers={"Authorization": "Bearer any"}) as answer:
            snapshot_id = (await answer.json())["snapshot_id"]
        await simulator.notifications.until_sent(1)
        assert taking.came == [("POST", {"snapshot_id": snapshot_id, "status": "failed"}, "Bearer of-the-hook")]
        (sent,) = simulator.notifications.sent
        assert (sent.snapshot_id, sent.answer) == (snapshot_id, 202)


async def test_one_without_notify_is_not_answered_so_unless_the_account_notifies_of_all() -> None:
    async with hook() as taking, Simulator(speed=SPEED, notify=taking.url) as simulator:
        simulator.add("s_1", life.complete(seconds=30))
        simulator.populate(2, life=life.complete(seconds=60))
        await taking.count(3)
        assert taking.came[0][1] == {"snapshot_id": "s_1", "status": "ready"}
    async with Simulator(speed=SPEED) as simulator:
        simulator.add("s_1", life.complete(seconds=0))
        await asyncio.sleep(0)
        assert not simulator.notifications.sent


@pytest.mark.parametrize(
    ("fault", "number", "shift"),
    [
        (NotifyFault.LOST, 0, 0.0),
        (NotifyFault.DOUBLED, 2, 0.0),
        (NotifyFault.EARLY, 1, -EARLY_S),
        (NotifyFault.LATE, 1, LATE_S),
    ],
)
async def test_each_fault_is_what_its_name_says(fault: NotifyFault, number: int, shift: float) -> None:
    now = 0.0
    async with hook() as taking:
        async with Simulator(notify=taking.url, notify_faults={fault: 1.0}, clock=lambda: now) as simulator:
            simulator.add("s_1", life.complete(seconds=60))
            now = 60.0 + shift - 0.1
            simulator.notifications.wake()
            await asyncio.sleep(0)
            assert not taking.came
            now = 60.0 + shift
            simulator.notifications.wake()
            await taking.count(number)
        assert len(taking.came) == number


async def test_a_hook_that_nobody_serves_costs_nothing() -> None:
    async with Simulator(speed=SPEED, notify="http://127.0.0.1:1/") as simulator:
        simulator.add("s_1", life.complete(seconds=1))
        async with asyncio.timeout(5):
            await simulator.notifications.until_sent(1)
        assert simulator.notifications.sent[0].answer == 0


def test_the_faults_are_read_as_those_of_answers_are() -> None:
    assert parse_chances(["lost=0.1", "LATE=0.2"], NotifyFault) == {NotifyFault.LOST: 0.1, NotifyFault.LATE: 0.2}
    with pytest.raises(ValueError, match="there are: lost, doubled, early, late"):
        parse_chances(["gone=1"], NotifyFault)
    with pytest.raises(ValueError, match=r"as in lost=0\.05"):
        parse_chances(["lost"], NotifyFault)
