"""Lookups of names that hang, as with a silent name server, take nothing from anything else."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from notifier.brightdata.http.failures import NoAnswer
from notifier.brightdata.http.gateway import Gateway
from notifier.brightdata.http.tokens import StaticToken
from notifier.brightdata.limits.limiter import Limiter
from notifier.channels import ping as pings
from notifier.channels.ping import ping
from notifier.downloads.threads import off_loop
from notifier.network import MOST_LOOKUPS, Resolver

SILENT = "silent.example"


class Names:
    """The system's lookup, which does not answer for `SILENT` before it is told to."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.answers = threading.Event()
        self.asked = 0

    def __call__(self, host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in (SILENT, SILENT.encode()):
            return self._real(host, *arguments, **options)
        self.asked += 1
        self.answers.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "no name server answers")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    found = Names(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield found
    found.answers.set()


@pytest.fixture
async def one_thread() -> None:
    """The event loop's executor has one thread: whoever holds it holds everybody up."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers=1))


@pytest.mark.usefixtures("one_thread")
async def test_a_silent_name_server_leaves_the_threads_to_the_work(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked by looks at the API and by the heartbeat; what else wants a thread has it at once."""
    monkeypatch.setattr(pings, "TIMEOUT", timedelta(milliseconds=50))
    limiter = Limiter(requests_per_second=1_000, clock=asyncio.get_running_loop().time)
    door = Gateway(
        base_url=f"https://{SILENT}",
        token=StaticToken("t0ken"),
        timeout=timedelta(seconds=0.05),
        limiter=limiter,
        max_connections=8,
    )
    resolver = Resolver()
    async with door:
        for _ in range(5):
            with pytest.raises(NoAnswer):
                async with door.ask("GET", "/", seconds=0.05):
                    raise AssertionError("there is no answer")
            assert await ping(f"https://{SILENT}/beat", resolver) is not None
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "done"), 20) == "done"
        assert await asyncio.wait_for(off_loop(lambda: "done"), 20) == "done"
        assert 2 <= names.asked <= 2 * MOST_LOOKUPS


async def test_a_silent_name_server_does_not_hold_up_the_end_of_the_process(names: Names) -> None:
    """All threads that a lookup uses are such that nobody waits for."""
    looking = asyncio.create_task(Resolver().resolve(SILENT))
    async with asyncio.timeout(20):
        while not names.asked:  # noqa: ASYNC110 - a thread's progress has no event here
            await asyncio.sleep(0.001)
    (thread,) = [each for each in threading.enumerate() if each.name == f"lookup-{SILENT}"]
    assert thread.daemon
    looking.cancel()


async def test_a_name_that_has_an_address_is_found_and_one_that_has_none_is_an_error(names: Names) -> None:
    names.answers.set()
    found = await Resolver().resolve("localhost", 80, socket.AF_INET)
    assert [(each["host"], each["port"]) for each in found] == [("127.0.0.1", 80)]
    with pytest.raises(socket.gaierror, match="no name server answers"):
        await Resolver().resolve(SILENT)


async def test_where_no_thread_can_be_started_one_that_is_there_looks_names_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else looks at a name would fail for as long as the machine gives no further threads."""
    await asyncio.to_thread(lambda: None)

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        found = await Resolver().resolve("localhost", 80, socket.AF_INET)
    assert [each["host"] for each in found] == ["127.0.0.1"]
