"""A reload that hangs is begun anew when its files change, and each time it may take longer."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from notifier.app import reload
from notifier.app.loading.loading_process import Loaded, load_config_apart
from notifier.app.reload import Reloader
from notifier.core.outcomes import ReloadOutcome

pytestmark = pytest.mark.usefixtures("forked_loads")

MAIN = 'api: {token: t0ken}\nchannels: {team: "json://localhost"}\ndefaults: {notify: [team]}\n'


def hanging(times: int, begun: list[asyncio.Event]) -> Callable[..., Awaitable[Loaded]]:
    """Loads that hang so many times, each of which sets its event when it begins, and then one that does not."""
    left = iter(range(times))

    async def load(path: Path, previous: Loaded | None = None) -> Loaded:
        if (number := next(left, None)) is not None:
            begun[number].set()
            await asyncio.Event().wait()
        return await load_config_apart(path, previous)

    return load


async def nothing(*_: object) -> None: ...


async def test_a_load_that_hangs_ends_when_its_files_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(MAIN)
    loaded = await load_config_apart(path)
    taken_up: list[int] = []

    async def take_up(config: object, changed: object) -> None:
        taken_up.append(1)

    outcomes: list[ReloadOutcome] = []
    reloader = Reloader(loaded=loaded, take_up=take_up, keep=nothing, report=outcomes.append, status=lambda: "")
    begun = [asyncio.Event(), asyncio.Event()]
    monkeypatch.setattr(reload, "load_config_apart", hanging(2, begun))
    monkeypatch.setattr(reload, "HANGS_AFTER", timedelta(milliseconds=10))
    assert reloader.reading_since is None
    reloading = asyncio.create_task(reloader.reload())
    for number, hangs in enumerate(begun):
        await hangs.wait()
        assert reloader.reading_since is not None, "who wrote the file waits for it"
        path.write_text(f"{MAIN}keep: {number + 2}d\n")
    outcome = await asyncio.wait_for(reloading, 60)
    assert outcome.done
    assert reloader.reading_since is None
    assert [change.after for change in outcome.changed.keys] == ["3d"] if outcome.changed else False
    assert (len(outcomes), taken_up) == (1, [1])


async def test_a_load_that_takes_long_is_not_begun_anew_while_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(MAIN)
    loaded = await load_config_apart(path)
    reloader = Reloader(loaded=loaded, take_up=nothing, keep=nothing, report=lambda _: None, status=lambda: "")
    begun = [asyncio.Event(), asyncio.Event()]
    monkeypatch.setattr(reload, "load_config_apart", hanging(2, begun))
    monkeypatch.setattr(reload, "HANGS_AFTER", timedelta(0))
    reloading = asyncio.create_task(reloader.reload())
    await begun[0].wait()
    seen = asyncio.create_task(reloader._changes.next())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(seen, 2)
    assert not begun[1].is_set()
    reloading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reloading
