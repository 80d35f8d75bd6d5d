"""What the acceptance tests stand on: a simulated Bright Data, two receivers, and an installation of the notifier."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.receivers import Receiver, receiver


@pytest.fixture
async def api() -> AsyncIterator[BrightData]:
    """A simulated Bright Data."""
    async with BrightData() as running:
        yield running


@pytest.fixture
async def team() -> AsyncIterator[Receiver]:
    """A receiver."""
    async with receiver("team") as running:
        yield running


@pytest.fixture
async def ops() -> AsyncIterator[Receiver]:
    """Another receiver."""
    async with receiver("ops") as running:
        yield running


@pytest.fixture
async def notifier(tmp_path: Path) -> AsyncIterator[Notifier]:
    """An installation in a folder of its own; at the end all its outputs are looked through."""
    installation = Notifier(tmp_path)
    try:
        yield installation
    finally:
        await installation.close()
