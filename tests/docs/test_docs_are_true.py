"""The documents say what the code does: drawings, lists and commands are held against it."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import MagicMock

import pytest
import typer.main

from notifier.app import jobs
from notifier.cli import app
from notifier.core.delivery import states
from notifier.core.snapshot import transitions
from notifier.core.work_units import Unit

S = TypeVar("S", bound=StrEnum)

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
DECISIONS = (ROOT / "docs/decisions.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
METRICS = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def drawn(heading: str) -> set[tuple[str, str]]:
    """The arrows of the state diagram under a heading, without those from and to the outside."""
    section = ARCHITECTURE.partition(f"## {heading}\n")[2]
    diagram = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", section, re.DOTALL)
    assert diagram is not None, heading
    arrows = re.findall(r"^\s*(\S+) --> (\S+)$", diagram[1], re.MULTILINE)
    return {(start, end) for start, end in arrows if "[*]" not in (start, end)}


def moves(table: Mapping[S, frozenset[S]]) -> set[tuple[str, str]]:
    """The arrows of a table."""
    return {(start.value, end.value) for start, ends in table.items() for end in ends}


def test_the_drawing_of_a_snapshots_life_is_the_table_of_its_moves() -> None:
    assert drawn("The life of a snapshot") == moves(transitions.MOVES)


def test_the_drawing_of_a_deliverys_life_is_the_table_of_its_moves() -> None:
    assert drawn("The life of a delivery") == moves(states.MOVES)


def test_every_dependency_has_its_line_and_every_line_its_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[\[<>=!~]", requirement)[0] for requirement in project["dependencies"]}
    table = ARCHITECTURE.partition("## Dependencies")[2]
    justified = set(re.findall(r"^\| ([a-z0-9-]+) \| \S.*\|$", table, re.MULTILINE)) - {"package", "---"}
    assert justified == needed


def test_the_tree_shows_every_room_of_the_house() -> None:
    tree = ARCHITECTURE.partition("```\nnotifier/\n")[2].partition("```")[0]
    shown = set(re.findall(r"^  (\S+)", tree, re.MULTILINE))
    rooms = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "notifier").iterdir()
        if not path.name.startswith(("_", ".")) and (any(path.glob("*.py")) or path.suffix == ".py")
    }
    assert shown == rooms


PACKAGE = ROOT / "notifier"
MODULES = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")]
FOLDERS = [f"{path.relative_to(PACKAGE).as_posix()}/" for path in PACKAGE.rglob("*") if path.is_dir()]
TREE = re.compile(r"```\nnotifier/\n(.*?)```", re.DOTALL)


def test_the_tree_shows_the_main_files_of_each_room() -> None:
    (tree,) = TREE.findall(ARCHITECTURE)
    rooms = re.findall(r"^  (\S+) (.*\n(?:   .*\n)*)", tree, re.MULTILINE)
    named = [(room, name) for room, line in rooms for name in re.findall(r"[\w/]+(?:\.py|/)(?=\W)", line)]
    assert len(named) > 50
    assert [name for room, name in named if not any(f"/{path}".endswith(f"/{name}") for path in below(room))] == []


def below(room: str) -> list[str]:
    """The modules and folders of a room."""
    return [path.removeprefix(room) for path in (*MODULES, *FOLDERS) if path.startswith(room)]


@pytest.mark.parametrize("page", [TREE.sub("", ARCHITECTURE), DECISIONS], ids=["architecture", "decisions"])
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    """By its path below `notifier/`, or by the end of it where the room is clear."""
    named = re.findall(r"`([\w/]+(?:\.py|/))`", page)
    assert len(named) > 10
    assert [name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in (*MODULES, *FOLDERS))] == []


def test_the_page_of_the_architecture_stays_about_a_page() -> None:
    assert len(ARCHITECTURE.splitlines()) <= 150


def test_contributing_names_files_that_are_there() -> None:
    named = re.findall(
        r"\b(?:notifier|tests|docs)/[\w/.-]*\w", CONTRIBUTING.replace("vNNNN_what_it_is", "v0001_the_outbox")
    )
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_page_of_metrics_has_every_unit_that_fails_alone() -> None:
    (labels,) = re.findall(r"^\| `notifier_internal_errors_total` \| `unit`: ([^|]+) \|", METRICS, re.MULTILINE)
    assert labels.split(", ") == [unit.value for unit in Unit]


def test_the_page_of_metrics_has_every_periodic_job() -> None:
    (labels,) = re.findall(
        r"^\| `notifier_job_last_run_timestamp_seconds` \| `name`: ([^|]+) \|", METRICS, re.MULTILINE
    )
    anything = MagicMock()
    assert labels.split(", ") == [job.name for job in jobs.table(anything, anything, anything, anything)]


def commands(group: Any, prefix: str = "") -> Iterator[str]:
    """Every command of the program by its full name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


def test_the_readme_lists_every_command_and_no_other() -> None:
    listed = {
        " ".join(word for word in cell.split() if not word.isupper())
        for cell in re.findall(r"^\| `notifier ([^`]+)` \|", README, re.MULTILINE)
    }
    assert listed == set(commands(typer.main.get_command(app)))


PAGES = sorted(path.relative_to(ROOT) for folder in (".", "docs", "systemd") for path in (ROOT / folder).glob("*.md"))


def anchors(page: Path) -> set[str]:
    """What a link may point at in a page: its headings, as they are written by those who show Markdown."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", PAGES, ids=str)
def test_what_a_document_links_to_is_there(document: Path) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    missing = []
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        page = ROOT / document.parent / path if path else ROOT / document
        if "://" not in target and not (page.exists() and (not anchor or anchor in anchors(page))):
            missing.append(target)
    assert missing == []
