"""Completion as the shell runs it: the right names and nothing else, quickly."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import DOWN, START, seen, watch
from support.outboxes import settled, take, tell
from typer.testing import CliRunner

from notifier.cli import app
from notifier.core.snapshot.transitions import step
from notifier.store.store import Store

SOURCE = Path(__file__).parents[2]
CONFIG = """\
api: {token: "${NOT_SET_HERE}"}
channels: {team: "${NOR_THIS}", team-mail: mailto://a:b@example.com, ops: json://localhost}
include: [more/*.yaml]
defaults: {notify: [team], on: [ready, buildup]}
watches:
  - {snapshot: s_1, name: "Amazon products, nightly"}
  - {snapshot: s_2, name: "Amazon: prices", id: prices}
  - {dataset: gd_1, name: Profiles, id: profiles}
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration, and a database in which `s_1` was told and `s_9` was found by the watch `profiles`."""
    folder = tmp_path_factory.mktemp("installation")
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "more").mkdir()
    (folder / "more/three.yaml").write_text("watches: [{snapshot: s_3}]")
    asyncio.run(remember(folder / "notifier.db"))
    return folder


async def remember(database: Path) -> None:
    """Fill the database: delivery 1 is dead, delivery 2 delivered, the watch `prices` muted."""
    async with Store(database) as store:
        await tell(store, "ops", "gone", status="Digesting_more")
        await settled(store, (await take(store, "gone")).send)
        await settled(store, (await take(store, "ops")).send, DOWN, at=START + timedelta(days=9))
        await store.outbox.mute("prices", START, None)
        before = await store.state("s_9")
        after, _ = step(before, seen("running"), START, timedelta(0))
        assert await store.commit(watch=watch("s_9", id="profiles/s_9"), before=before, after=after, events=[])


@pytest.fixture
def folder(installation: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That installation, as the current folder."""
    monkeypatch.chdir(installation)
    monkeypatch.delenv("NOTIFIER_CONFIG", raising=False)
    return installation


def completed(*words: str, shell: str = "bash", **environment: str) -> list[str]:
    """What the shell is given for the last word."""
    asked: Mapping[str, str] = {
        "_NOTIFIER_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "\n".join(["notifier", *words]),
        "COMP_CWORD": str(len(words)),
        "_TYPER_COMPLETE_ARGS": " ".join(["notifier", *words]),
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        **environment,
    }
    done = CliRunner().invoke(app, env=asked)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("watch show |", "s_1 prices profiles s_3 profiles/s_9"),
        ("watch show p", "prices profiles profiles/s_9"),
        ("watch show s_", "s_1 s_3 s_2"),
        ("watch show gd", "gd_1"),
        ("watch mute pri", "prices"),
        ("watch unmute |", "prices"),
        ("watch remove |", "s_1 prices profiles s_3"),
        ("watch add |", "s_9"),
        ("watch add --notify t", "team team-mail"),
        ("watch add s_5 --on e", "empty expiring"),
        ("watch add s_5 --on dig", "digesting digesting_more"),
        ("watch add s_5 --on bu", "building buildup"),
        ("channel test |", "team team-mail ops"),
        ("channel test team --event f", "failed"),
        ("delivery list --channel |", "team team-mail ops gone"),
        ("delivery list --state d", "delivered dead dropped"),
        ("delivery show |", "2 1"),
        ("delivery retry |", "1"),
        ("wait s_1 s_", "s_1 s_2 s_3 s_9"),
        ("download s_9", "s_9"),
        ("trigger |", "gd_1"),
        ("config sh", "show"),
        ("watch show --config nowhere.yaml |", ""),
        ("watch nonsense |", "add remove list show mute unmute"),
        ("--version|", "--version"),
    ],
)
def test_names_are_completed(words: str, expected: str, folder: Path) -> None:
    given = [word.rstrip("|") for word in words.split()]
    got = [word for word in completed(*given) if word]
    assert sorted(got) == sorted(expected.split())


def test_a_name_is_one_word_of_the_shell(folder: Path) -> None:
    assert completed("watch", "show", "Ama") == [
        r"Amazon\ products\,\ nightly".replace(r"\,", ","),
        r"Amazon\:\ prices",
    ]
    assert completed("watch", "show", r"Amazon\ p") == [r"Amazon\ products,\ nightly"]
    assert completed("watch", "show", '"Amazon p') == ["Amazon products, nightly"]
    assert completed("watch", "show", "Ama", shell="fish") == ["Amazon products, nightly", "Amazon: prices"]


def test_shells_that_show_a_help_get_one(folder: Path) -> None:
    assert "s_1\tAmazon products, nightly" in completed("watch", "show", "s_", shell="fish")
    assert "1\tdead, ops" in completed("delivery", "retry", "1", shell="fish")
    assert '"s_1":"Amazon products, nightly"' in "\n".join(completed("watch", "show", "s_", shell="zsh"))


BROKEN = [
    "watches: [",
    "# nothing",
    "watches: 7\nchannels: [1]\nstate: 5",
    "\x00",
    "&a [*a]",
    "state: sqlite:///config.yaml",
]


@pytest.mark.parametrize("text", BROKEN)
def test_with_a_broken_configuration_there_is_nothing(text: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(text)
    for words in ("watch show ", "delivery show ", "channel test ", "wait "):
        assert "".join(completed(*words.split(" "), NOTIFIER_CONFIG=str(tmp_path / "config.yaml"))) == ""


PROGRAM = """\
import atexit, json, pathlib, sys
atexit.register(lambda: pathlib.Path("modules").write_text(json.dumps(sorted(sys.modules))))
from notifier.cli import main
main()
"""


def started(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process in the folder, which is its home too, with a `notifier` to be found."""
    (folder / "bin").mkdir(exist_ok=True)
    script = folder / "bin/notifier"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m notifier "$@"\n')
    script.chmod(0o755)
    env = {"PATH": f"{script.parent}:{os.environ['PATH']}", "HOME": str(folder), "PYTHONPATH": str(SOURCE)}
    return subprocess.run(
        command, cwd=folder, env=env | environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_it_imports_nothing_that_a_user_would_have_to_wait_for(folder: Path) -> None:
    asked = {"_NOTIFIER_COMPLETE": "complete_bash", "COMP_WORDS": "notifier\ndelivery\nshow\n", "COMP_CWORD": "3"}
    done = started(folder, sys.executable, "-c", PROGRAM, **asked)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["2", "1"], "")
    heavy = {
        "sqlalchemy",
        "apprise",
        "httpx",
        "aiohttp",
        "apscheduler",
        "asyncio",
        "jinja2",
        "rich.console",
    }
    assert set(json.loads((folder / "modules").read_text())).isdisjoint(heavy)


@pytest.mark.parametrize(
    "asked", [{}, {"COMP_WORDS": "notifier", "COMP_CWORD": "x"}, {"COMP_WORDS": "'", "COMP_CWORD": "9"}]
)
def test_whatever_the_shell_says_nothing_is_printed_into_its_line(asked: dict[str, str], folder: Path) -> None:
    done = started(folder, "notifier", _NOTIFIER_COMPLETE="complete_bash", **asked)
    assert done.stderr == ""
    assert "Traceback" not in done.stdout


ASKED_OF_BASH = r"""
. ~/.bashrc
function_of_notifier=$(complete -p notifier | sed 's/.*-F \([^ ]*\).*/\1/')
COMP_WORDS=(notifier watch show Amazon\\\ p); COMP_CWORD=3
"$function_of_notifier" notifier Amazon show
printf '<%s>' "${COMPREPLY[@]}"
"""


def test_bash_completes_once_it_is_installed(folder: Path) -> None:
    installed = started(folder, "bash", "--norc", "-c", "notifier --install-completion; exit $?")
    assert (installed.returncode, installed.stderr) == (0, "")
    assert "bash completion installed" in installed.stdout
    done = started(folder, "bash", "--norc", "-c", ASKED_OF_BASH)
    assert (done.stdout, done.stderr) == (r"<Amazon\ products,\ nightly>", "")
