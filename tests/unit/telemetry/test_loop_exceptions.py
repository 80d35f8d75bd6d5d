"""A machine without file descriptors does not fill its disk with the news of it."""

import asyncio
import errno
import os

from structlog.testing import capture_logs

from notifier.telemetry.loop_exceptions import watch_loop


async def test_what_cannot_be_accepted_is_one_line_without_a_traceback() -> None:
    loop = asyncio.get_running_loop()
    watch_loop(loop)
    with capture_logs() as lines:
        for _ in range(100):
            loop.call_exception_handler({"message": "accept", "exception": OSError(errno.EMFILE, os.strerror(24))})
    assert [line["event"] for line in lines] == ["machine.exhausted"]


async def test_any_other_complaint_is_told_as_ever() -> None:
    loop, told = asyncio.get_running_loop(), list[str]()
    watch_loop(loop)
    loop.default_exception_handler = lambda context: told.append(context["message"])  # type: ignore[method-assign]
    loop.call_exception_handler({"message": "odd", "exception": OSError(errno.EIO, "odd")})
    loop.call_exception_handler({"message": "odder"})
    assert told == ["odd", "odder"]
