"""With errors in its files a daemon starts with the configuration that it loaded last, kept beside its database."""

import asyncio
import gzip
import json
import os
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from notifier.app.loading import first_config
from notifier.app.loading.fallback import load_with_fallback
from notifier.app.loading.first_config import Start, keep, load_at_start
from notifier.app.loading.loading_process import Loaded, load_config_apart
from notifier.config.sources import last_config
from notifier.core.errors import ConfigurationRefused, NotifierError

pytestmark = pytest.mark.usefixtures("forked_loads")

MAIN = """\
api: {token_file: token}
channels:
  team: ${TEAM}
defaults: {notify: [team]}
watches: [{snapshot: s_1}]
state: sqlite:///state/notifier.db
include: [w/*.yaml]
"""


@pytest.fixture
async def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked_loads: None) -> Path:
    """A main file whose configuration was taken up and kept, and has no error yet."""
    monkeypatch.setenv("TEAM", "json://localhost/canary-of-the-team")
    (tmp_path / "token").write_text("t0ken")
    (tmp_path / "w").mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "w" / "a.yaml").write_bytes(b"\xef\xbb\xbfwatches:\r\n- snapshot: s_2\r\n")
    main = tmp_path / "config.yaml"
    main.write_text(MAIN)
    started = await load_at_start(main)
    assert started.refused == ()
    await keep(started.loaded.config.database, started.loaded)
    return main


def ids(started: Start) -> list[str]:
    return [watch.id for watch in started.loaded.config.watches]


def change(name: str, text: str | None) -> Callable[[Path], None]:
    def edit(main: Path) -> None:
        file = main.parent / name
        file.unlink()
        if text is not None:
            file.write_text(text)

    return edit


def pipe(main: Path) -> None:
    os.mkfifo(main.parent / "w" / "b.yaml")


def dangling(main: Path) -> None:
    (main.parent / "w" / "b.yaml").symlink_to("nowhere")


BROKEN = [
    (change("w/a.yaml", "nonsense"), "w/a.yaml:1:1: the file must be a mapping"),
    (change("w/a.yaml", ""), "w/a.yaml: the file is empty"),
    (change("w/a.yaml", "watches: [{snapshot: s_1}]"), "this snapshot is already watched"),
    (pipe, "w/b.yaml: this is a FIFO"),
    (dangling, "w/b.yaml: there is no such file"),
    (change("config.yaml", None), "config.yaml: there is no such file"),
    (change("config.yaml", "api: {\n"), "config.yaml:"),
    (change("config.yaml", "\x00"), "config.yaml:1:1: the control character NUL"),
    (change("config.yaml", MAIN + "zzz: 1\n"), "zzz: unknown key"),
    (change("config.yaml", MAIN.replace("${TEAM}", "${NONE}")), "the environment variable NONE is not set"),
    (change("config.yaml", MAIN.replace("state/n", "other/n") + "zzz: 1\n"), "zzz: unknown key"),
    (change("config.yaml", MAIN.replace("sqlite", "mysql")), "state: write `sqlite:///notifier.db`"),
    (change("token", None), "api.token_file: the file cannot be read: No such file or directory"),
]


@pytest.mark.parametrize(("edit", "reason"), BROKEN, ids=range(len(BROKEN)))
async def test_whatever_is_wrong_with_the_files_it_starts_with_the_last_ones(
    path: Path, monkeypatch: pytest.MonkeyPatch, edit: Callable[[Path], None], reason: str
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(path.parent / "state"))  # as systemd tells it
    edit(path)
    started = await load_at_start(path)
    assert ids(started) == ["s_1", "s_2"]
    assert reason in started.refused[0]
    assert started.loaded.config.database == path.parent / "state" / "notifier.db"
    assert started.loaded.config.channels["team"].url == "json://localhost/canary-of-the-team"
    assert started.loaded.config.path == path
    assert (started.loaded.copy, started.loaded.read_at is not None) == (b"", True)
    with pytest.raises(NotifierError) as strict:
        await load_at_start(path, strict=True)
    assert reason in str(strict.value)


async def test_what_is_outside_of_the_files_is_had_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", "json://localhost/another")
    (path.parent / "w" / "a.yaml").write_text("nonsense")
    started = await load_at_start(path)
    assert started.loaded.config.channels["team"].url == "json://localhost/another"


async def test_a_variable_that_is_gone_is_told_beside_the_errors_of_the_files(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEAM")
    with pytest.raises(ConfigurationRefused) as refusal:
        await load_at_start(path)
    (note,) = refusal.value.__notes__
    assert note.startswith(f"notifier: {path}: the configuration that was loaded last, of 20")
    assert "cannot be used either:" in note
    assert "the environment variable TEAM is not set" in note


async def test_a_first_start_is_refused_without_further_words(path: Path) -> None:
    last_config.path_beside(path.parent / "state" / "notifier.db").unlink()
    (path.parent / "w" / "a.yaml").write_text("nonsense")
    with pytest.raises(ConfigurationRefused) as refusal:
        await load_at_start(path)
    assert not hasattr(refusal.value, "__notes__")


def other_format(copy: Path) -> None:
    data = json.loads(gzip.decompress(copy.read_bytes())) | {"format": 2, "version": "9.9"}
    copy.write_bytes(gzip.compress(json.dumps(data).encode()))


def piped(copy: Path) -> None:
    copy.unlink()
    os.mkfifo(copy)


def flipped(copy: Path) -> None:
    content = copy.read_bytes()
    copy.write_bytes(content[:40] + bytes([content[40] ^ 255]) + content[41:])


def other_main(copy: Path) -> None:
    data = json.loads(gzip.decompress(copy.read_bytes())) | {"main": "/else.yaml"}
    copy.write_bytes(gzip.compress(json.dumps(data).encode()))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda copy: copy.write_bytes(b""), "the copy is truncated"),
        (lambda copy: copy.write_bytes(copy.read_bytes()[:-9]), "the copy is truncated"),
        (lambda copy: copy.write_bytes(b"\x00" * 1000), "the copy is damaged"),
        (flipped, "the copy is damaged"),
        (lambda copy: copy.write_bytes(gzip.compress(b"[1]")), "the copy is damaged"),
        (lambda copy: copy.write_bytes(gzip.compress(b"[" * 100_000)), "the copy is damaged"),
        (other_format, "version 9.9 of the notifier wrote it, in another format"),
        (other_main, "it is the copy of /else.yaml"),
        (piped, "this is a FIFO"),
    ],
    ids=range(9),
)
async def test_a_copy_that_cannot_be_used_is_told_beside_the_errors_of_the_files(
    path: Path, damage: Callable[[Path], object], reason: str
) -> None:
    damage(last_config.path_beside(path.parent / "state" / "notifier.db"))
    (path.parent / "w" / "a.yaml").write_text("nonsense")
    with pytest.raises(ConfigurationRefused) as refusal:
        await load_at_start(path)
    assert reason in refusal.value.__notes__[0]
    assert [watch.id for watch in load_with_fallback(path).config.watches] == ["s_1"], "the valid parts stay"


async def test_the_copy_has_the_texts_as_they_stand_and_is_for_the_owner_alone(path: Path) -> None:
    copy = last_config.path_beside(path.parent / "state" / "notifier.db")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    text = gzip.decompress(copy.read_bytes())
    assert b"${TEAM}" in text
    assert b"canary" not in text
    assert b"t0ken" not in text


async def test_that_it_cannot_be_kept_ends_nothing(path: Path) -> None:
    started = await load_at_start(path)
    with capture_logs() as lines:
        await keep(path.parent / "none" / "notifier.db", started.loaded)
    assert [line["event"] for line in lines] == ["config.not_kept"]


@pytest.mark.parametrize("edit", [edit for edit, _ in BROKEN[:-1]], ids=range(len(BROKEN) - 1))
def test_commands_go_on_with_it_too(path: Path, edit: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(path.parent / "state"))
    edit(path)
    monkeypatch.delenv("TEAM")
    found = load_with_fallback(path)
    if found.refusal is None:
        return  # a variable that is not set is no error for them
    assert [watch.id for watch in found.config.watches] == ["s_1", "s_2"]
    assert found.kept_at is not None
    assert found.warning.count("\n") == 0
    assert "; going on with the configuration that the daemon loaded last, of 20" in found.warning


def slow(monkeypatch: pytest.MonkeyPatch, *, ends: asyncio.Event, last_waits_for: asyncio.Event | None = None) -> None:
    """Have the load of the files last until `ends` is set, and that of the kept copy until the other event is."""

    async def load(path: Path, *, last: bool = False) -> Loaded:
        if not last:
            await ends.wait()
        elif last_waits_for is not None:
            await last_waits_for.wait()
        return await load_config_apart(path, last=last)

    monkeypatch.setattr(first_config, "load_config_apart", load)
    monkeypatch.setattr(first_config, "HANGS_AFTER", timedelta(milliseconds=10))


async def test_a_load_that_hangs_does_not_keep_the_daemon_from_its_last_configuration(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow(monkeypatch, ends=asyncio.Event())
    started = await load_at_start(path)
    assert ids(started) == ["s_1", "s_2"]
    (reason,) = started.refused
    assert reason.startswith(f"{path}: reading it takes more than")


async def test_a_load_that_is_slow_is_waited_for_where_nothing_is_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last_config.path_beside(path.parent / "state" / "notifier.db").unlink()
    ends = asyncio.Event()
    slow(monkeypatch, ends=ends)
    starting = asyncio.create_task(load_at_start(path))
    done, _ = await asyncio.wait({starting}, timeout=0.5)
    assert not done
    ends.set()
    assert (await starting).refused == ()


async def test_a_load_that_ends_while_the_last_configuration_is_read_is_taken(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends, never = asyncio.Event(), asyncio.Event()
    slow(monkeypatch, ends=ends, last_waits_for=never)
    starting = asyncio.create_task(load_at_start(path))
    asyncio.get_running_loop().call_later(0.05, ends.set)
    assert (await starting).refused == ()


async def test_a_strict_start_waits_for_the_files_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = asyncio.Event()
    slow(monkeypatch, ends=ends)
    asyncio.get_running_loop().call_later(0.05, ends.set)
    assert (await load_at_start(path, strict=True)).refused == ()


async def test_no_task_is_left_when_the_start_is_cancelled(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(monkeypatch, ends=asyncio.Event(), last_waits_for=asyncio.Event())
    starting = asyncio.create_task(load_at_start(path))
    await asyncio.wait({starting}, timeout=0.05)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert asyncio.all_tasks() == {asyncio.current_task()}
