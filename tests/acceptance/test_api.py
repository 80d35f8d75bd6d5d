"""The API of a running daemon: no request breaks it, and a client that is generated from its description works."""

import asyncio
import os
from asyncio.subprocess import PIPE
from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import START
from support.histories import add_delivery, add_event, add_poll, add_snapshot, written

from acceptance.api_requests import send_random_requests
from acceptance.harness import Notifier, Process

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv/client/bin"

TOKEN_OF_HTTP = "canary-page-token-0123456789"
NOBODY = "http://127.0.0.1:1"
"""Nothing listens there."""


def fill(notifier: Notifier) -> None:
    """Write a history: two watched snapshots, two that a dataset's watch found, and a delivery in each state."""
    with written(notifier.database) as connection:
        add_snapshot(connection, "s_1", status="ready", records=10)
        add_snapshot(connection, "s_2", status="running")
        add_poll(connection, "s_2", at=START, following=START + timedelta(hours=1))
        for number in range(2):
            add_snapshot(connection, f"sd_{number}", watch=f"gd_1/sd_{number}", dataset_id="gd_1")
        for number, state in enumerate(("delivered", "dead", "uncertain", "dropped") * 3):
            event = f"evt_{number:016x}"
            at = START + timedelta(seconds=number)
            add_event(connection, event, revision=number + 1, at=at)
            add_delivery(connection, event, state=state, at=at, tries=("delivered",))


async def started(notifier: Notifier, token: str | None) -> tuple[Process, str]:
    """A daemon with that history; its address."""
    fill(notifier)
    notifier.secrets.add(TOKEN_OF_HTTP)
    http = {"listen": "127.0.0.1:0"} | ({} if token is None else {"token": token})
    notifier.configure(
        api=NOBODY,
        channels={"chat": "json://127.0.0.1:1/chat", "mail": "json://127.0.0.1:1/mail"},
        watches=["s_1", {"snapshot": "s_2", "name": "Prices"}, {"dataset": "gd_1", "name": "Profiles"}],
        http=http,
        defaults={"every": "1h"},
    )
    daemon = await notifier.daemon()
    return daemon, (await daemon.wait_for_log("http.listening"))["address"]


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
