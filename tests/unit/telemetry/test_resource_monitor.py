"""That the machine is exhausted is told once, as what it is, and once that it is over."""

import errno
import os
import threading
from datetime import timedelta

import pytest

from notifier.telemetry import resource_monitor
from notifier.telemetry.resource_monitor import ResourceMonitor, shortage


def raising(error: BaseException) -> object:
    def fail(*_: object, **__: object) -> object:
        raise error

    return fail


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EMFILE, "the notifier has no file descriptors left"),
        (errno.ENFILE, "the machine has no file descriptors left"),
        (errno.ENOMEM, "the machine has no memory left"),
        (errno.ENOBUFS, "the machine has no memory left for connections"),
    ],
)
def test_what_the_system_refuses_is_said_in_words(number: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", raising(OSError(number, "")))
    assert shortage().startswith(said)


def test_a_machine_without_threads_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", raising(RuntimeError("can't start new thread")))
    assert "threads" in shortage()


def test_an_ordinary_machine_has_enough() -> None:
    assert shortage() == ""


async def test_it_is_told_once_and_its_end_once_though_it_comes_and_goes() -> None:
    told: list[str] = []
    answers = ["", "no room", "", "no room", "no room"]
    watching = ResourceMonitor(told.append, ask=lambda: answers.pop(0), well_after=timedelta(hours=1))
    for _ in range(5):
        await watching.check()
    assert told == ["no room"]
    assert watching.shortage == "no room"
    watching._well_after = 0.0
    answers += ["", ""]
    await watching.check()
    await watching.check()
    assert told == ["no room", ""]
    assert watching.shortage == ""


async def test_after_a_start_it_is_said_once_that_all_is_well() -> None:
    """The last daemon may have ended while something was wanting."""
    told: list[str] = []
    watching = ResourceMonitor(told.append, ask=str, well_after=timedelta(0))
    await watching.check()
    await watching.check()
    assert told == [""]


async def test_what_failed_elsewhere_counts() -> None:
    told: list[str] = []
    watching = ResourceMonitor(told.append, ask=str)
    watching.noted(OSError(errno.ENOENT, "no such file"))
    watching.noted(OSError(errno.EMFILE, "too many open files"))
    assert len(told) == 1
    assert resource_monitor.words_of(OSError()) == ""
