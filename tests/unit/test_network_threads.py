"""Blocking calls in threads of their own: their results come back, and nobody waits for one that hangs."""

import asyncio
import subprocess
import sys
import threading

import pytest

from notifier.network import in_daemon_thread


async def test_the_result_comes_back_to_the_loop() -> None:
    name = await in_daemon_thread(lambda: threading.current_thread().name, name="channel-chat")
    assert name == "channel-chat"


async def test_what_the_call_raises_is_raised_where_it_is_awaited() -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await in_daemon_thread(fail, name="t")


async def test_a_hundred_hanging_calls_do_not_delay_another() -> None:
    gate = threading.Event()
    hanging = [in_daemon_thread(gate.wait, name="t") for _ in range(100)]
    assert await in_daemon_thread(lambda: 1, name="t") == 1
    assert not any(each.done() for each in hanging)
    gate.set()
    assert all(await asyncio.gather(*hanging))


async def test_a_call_whose_future_was_cancelled_ends_in_silence() -> None:
    gate = threading.Event()
    future = in_daemon_thread(gate.wait, name="t-cancelled")
    (thread,) = [each for each in threading.enumerate() if each.name == "t-cancelled"]
    future.cancel()
    gate.set()
    await asyncio.to_thread(thread.join)
    await asyncio.sleep(0)
    assert future.cancelled()


def test_a_call_that_ends_after_its_loop_was_closed_ends_in_silence() -> None:
    gate = threading.Event()

    async def start() -> None:
        in_daemon_thread(gate.wait, name="t-late")

    asyncio.run(start())
    (thread,) = [each for each in threading.enumerate() if each.name == "t-late"]
    gate.set()
    thread.join()  # an exception in the thread would fail this test as a warning


def test_a_thread_that_hangs_does_not_keep_the_process_alive() -> None:
    program = (
        "import asyncio, threading\n"
        "from notifier.network import in_daemon_thread\n"
        "async def main():\n"
        "    in_daemon_thread(threading.Event().wait, name='t')\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], timeout=15, capture_output=True, text=True, check=True)
    assert ended.stderr == ""
