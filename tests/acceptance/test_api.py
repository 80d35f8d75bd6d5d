"""The API of a running daemon: no request breaks it, and a client that is generated from its description works."""

import asyncio
import os
import sqlite3
from asyncio.subprocess import PIPE
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from acceptance.api_daemon import TOKEN_OF_HTTP, started
from acceptance.api_requests import send_random_requests
from acceptance.harness import Notifier

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv/client/bin"

CLIENT = """
import sys
from notifier_client import AuthenticatedClient
from notifier_client.api.deliveries import list_deliveries
from notifier_client.api.watches import mute_watch, unmute_watch
from notifier_client.models import DeliveryList, DeliveryState, MuteRequest, MuteResult, Problem

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], raise_on_unexpected_status=True)
first = list_deliveries.sync(client=client, state=[DeliveryState.DEAD], limit=2)
assert isinstance(first, DeliveryList), first
second = list_deliveries.sync(client=client, state=[DeliveryState.DEAD], limit=2, cursor=first.next_)
assert isinstance(second, DeliveryList), second
muted = mute_watch.sync("s_1", client=client, body=MuteRequest(for_="2h"))
assert isinstance(muted, MuteResult), muted
assert unmute_watch.sync("s_1", client=client).was_muted
unknown = mute_watch.sync("nobody/has it", client=client)
assert isinstance(unknown, Problem), unknown
print({each.state for each in first.items + second.items}, muted.until.tzinfo, unknown.status)
"""
"""A program over the generated client."""


async def test_a_generated_client_lists_deliveries_and_mutes_a_watch(notifier: Notifier) -> None:
    _, address = await started(notifier, TOKEN_OF_HTTP)
    await run("tests/client-environment", folder=ROOT)
    await run(f"{BIN}/openapi-python-client", "generate", "--path", f"{ROOT}/docs/openapi.json", folder=notifier.folder)
    arguments = ("-c", CLIENT, address, TOKEN_OF_HTTP)
    said = await run(f"{BIN}/python", *arguments, folder=notifier.folder / "notifier-client")
    assert said == "{'dead'} UTC 404\n"


async def run(program: str, *arguments: str, folder: Path) -> str:
    """Run a program of the client's environment to its end, and return what it prints."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "NO_PROXY": "127.0.0.1"}
    environment.pop("VIRTUAL_ENV", None)
    process = await asyncio.create_subprocess_exec(
        folder / program, *arguments, cwd=folder, env=environment, stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, (output + errors).decode()
    return output.decode()


@pytest.mark.parametrize("token", [None, TOKEN_OF_HTTP], ids=["without a token", "with a token"])
async def test_schemathesis_finds_nothing(notifier: Notifier, token: str | None) -> None:
    daemon, address = await started(notifier, token)
    status, report = await send_random_requests(address, notifier.folder, token=token)
    assert status == 0, report
    assert daemon.alive
    assert not [line for line in daemon.log.entries if line["event"] == "internal_error"]


async def test_what_cannot_be_done_because_the_database_is_locked_is_answered_and_not_done_later(
    notifier: Notifier,
) -> None:
    _, address = await started(notifier, TOKEN_OF_HTTP)
    headers = {"Authorization": f"Bearer {TOKEN_OF_HTTP}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=25, trust_env=False) as client:
        with closing(sqlite3.connect(notifier.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = await client.post("/api/v1/watches/s_1/mute")
            page = await client.post("/watches/s_2/mute", data={"for": "1h"})
        assert (refused.status_code, "keeps it locked" in refused.json()["detail"]) == (503, True)
        assert "Not done: " in (await client.get(page.headers["location"])).text
        async with asyncio.timeout(60):  # the daemon notices the end of the lock by its own writes
            while (done := await client.post("/api/v1/watches/s_1/unmute")).status_code == 503:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert done.json() == {"unmuted": "s_1", "was_muted": False}
