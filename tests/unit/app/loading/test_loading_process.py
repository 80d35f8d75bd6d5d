"""Loading in another process gives what loading here gives, and says so when that process comes to grief."""

import asyncio
import errno
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.app.loading import loading_messages, loading_process
from notifier.app.loading.load import load_config
from notifier.app.loading.loading_process import load_config_apart
from notifier.core.errors import ConfigurationRefused, NotifierError

MAIN = """\
api: {token: t0ken}
channels:
  team:
    webhook: https://example.com/hooks
    secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
    quiet: {from: "22:00", to: "07:00", timezone: Europe/Berlin}
defaults: {notify: [team]}
include: ["*.yml"]
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABEL", "from the environment")
    entries = "".join(f"- {{snapshot: s{n}, labels: {{n: '{n % 7}', l: '${{LABEL}}'}}}}\n" for n in range(600))
    (tmp_path / "a.yml").write_text("watches:\n" + entries)
    (tmp_path / "b.yml").write_text("watches: [{snapshot: b, every: 1m}, {dataset: d, on: [faild], download: out}]\n")
    (tmp_path / "config.yaml").write_text(MAIN)
    return tmp_path / "config.yaml"


async def test_it_is_the_same_configuration_here_and_there(path: Path) -> None:
    loaded = await load_config_apart(path)
    assert loaded.config == load_config(path)
    assert [watch.id for watch in loaded.config.datasets] == ["d"]
    assert ["faild" in warning.text for warning in loaded.config.warnings] == [True]
    assert [part.path.name for part in loaded.files] == ["config.yaml", "a.yml", "b.yml"]
    assert set(loaded.digests) == set(loaded.config.files)


async def test_the_watches_of_a_file_that_did_not_change_are_the_same_objects(path: Path) -> None:
    first = await load_config_apart(path)
    (path.parent / "b.yml").write_text("watches: [{snapshot: b, every: 2m}]\n")
    second = await load_config_apart(path, first)
    assert second.config == load_config(path)
    assert second.files[1] is first.files[1]
    assert second.config.watches[600].every == timedelta(minutes=2)


async def test_a_file_that_did_not_change_keeps_its_watches_of_datasets_and_its_warnings(path: Path) -> None:
    first = await load_config_apart(path)
    (path.parent / "a.yml").write_text("watches: [{snapshot: a}]\n")
    second = await load_config_apart(path, first)
    assert second.config == load_config(path)
    assert second.config.warnings == first.config.warnings != ()
    assert second.config.datasets[0] is first.config.datasets[0]


async def test_a_refusal_has_the_same_errors_and_where_the_files_are(path: Path) -> None:
    first = await load_config_apart(path)
    (path.parent / "b.yml").write_text("watches: [{snapshot: s599}]\n")
    with pytest.raises(ConfigurationRefused) as there:
        await load_config_apart(path, first)
    with pytest.raises(ConfigurationRefused) as here:
        load_config(path)
    assert there.value.problems == here.value.problems
    assert there.value.include == ("*.yml",)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os; os._exit(3)", "status 3 and without an answer"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by SIGKILL: is there enough memory?"),
        ("import time; time.sleep(60)", "given up after 0 s"),
    ],
)
async def test_a_process_that_comes_to_grief_is_told_in_words(
    program: str, words: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading_process, "COMMAND", ("-c", program))
    with pytest.raises(NotifierError, match=words):
        await load_config_apart(path, limit=timedelta(seconds=0.4))


async def test_a_program_that_was_replaced_meanwhile_asks_for_a_restart(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading_process, "__version__", "0.0.1")
    with pytest.raises(NotifierError, match="restart the notifier"):
        await load_config_apart(path)


async def test_a_python_that_cannot_be_started_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(path.parent / "none"))
    with pytest.raises(
        NotifierError, match=r"cannot be started: No such file or directory; the user .* execute .*none"
    ):
        await load_config_apart(path)


@pytest.mark.parametrize(
    ("number", "cure"), [(errno.EACCES, "must be able to execute"), (errno.EAGAIN, "TasksMax="), (errno.EIO, "runs")]
)
async def test_the_configuration_is_not_blamed_where_no_process_can_be_started(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, cure: str
) -> None:
    async def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), sys.executable)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refused)
    with pytest.raises(NotifierError) as caught:
        await load_config_apart(path)
    text = str(caught.value)
    assert text.startswith(f"{path} is read by a process of its own, which cannot be started: {os.strerror(number)}; ")
    assert cure in text


@given(st.integers(1, 64).filter(lambda number: number != signal.SIGKILL))
def test_every_signal_has_words(number: int) -> None:
    assert "was ended by " in loading_process.why_it_ended(-number)


@given(st.lists(st.integers()))
def test_slices_are_all_and_in_order(items: list[int]) -> None:
    assert [item for some in loading_messages.slices(items * 100) for item in some] == items * 100


async def test_the_process_ends_when_the_one_that_asked_is_killed(path: Path) -> None:
    """What it hangs on does not keep it alive: it notices that the other end of its pipe has gone."""
    program = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from notifier.app.loading import loading_process\n"
        "patch = 'import os, time, notifier.app.loading.loading_process_main as child;'\n"
        "patch += 'child.load_config_parts = lambda *_: (os.write(2, b\"%d\" % os.getpid()), time.sleep(600));'\n"
        "patch += 'child.main()'\n"
        "loading_process.COMMAND = ('-c', patch)\n"
        "loading_process.asyncio.subprocess.DEVNULL = None\n"
        "asyncio.run(loading_process.load_config_apart(Path(sys.argv[1])))\n"
    )
    daemon = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, str(path)),
        stderr=asyncio.subprocess.PIPE,
    )
    assert daemon.stderr is not None
    assert int(await daemon.stderr.read(20)) != daemon.pid
    daemon.kill()
    await daemon.wait()
    await asyncio.wait_for(daemon.stderr.read(), 30)  # both hold that pipe: it ends when both have ended
