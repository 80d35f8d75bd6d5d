"""Puts the helpers beside it, such as `fakes`, in reach of every folder of tests, and loads Apprise's plugins once.

A `store` over a `database` is there for every test that asks for one. Hypothesis has no deadlines here: how long an
example takes says more of the machine than of the program.

Some plugins warn, as they are loaded, of what a later Python will drop; a warning of ours fails a test.

A shell that starts the tests in the background has them ignore SIGINT, and every process that they start inherits that
(POSIX, "Signals and Error Handling" of the shell). The tests of Ctrl-C need the usual handling.
"""

import gc
import signal
import warnings
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.testing
from apprise import Apprise
from hypothesis import HealthCheck, settings
from support import compiled_once

from notifier.app.loading import loading_process
from notifier.store.store import Store
from notifier.telemetry.redaction import EVERY_SECRET, Redactor

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# `CliRunner.invoke` would build all commands anew for each that it runs, which takes longer than most of them do.
vars(typer.testing)["_get_command"] = cache(typer.main.get_command)

compiled_once.share()

settings.register_profile("notifier", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("notifier")

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    Apprise.instantiate("json://localhost")


def pytest_collection_finish() -> None:
    """Exempt what is imported and collected from garbage collection: to go through it takes a tenth of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _secrets_of_its_own() -> Iterator[None]:
    """What a test made a secret, such as a word, hides nothing in the tests that follow in its process."""
    yield
    vars(EVERY_SECRET).update(vars(Redactor()))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "notifier.db"


@pytest.fixture
async def store(database: Path) -> AsyncIterator[Store]:
    """The store over it, open."""
    async with Store(database) as opened:
        yield opened


@pytest.fixture
def forked_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that reads a configuration is forked from one that has imported everything, as in `acceptance`."""
    from acceptance.harness import FORK_SERVER

    monkeypatch.setattr(loading_process, "COMMAND", FORK_SERVER.loads)
