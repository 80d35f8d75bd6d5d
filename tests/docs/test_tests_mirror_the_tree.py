"""The tests mirror the tree: who knows a module finds its tests, and the other way round."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "tests/unit"
FILES = [path for path in sorted(UNIT.rglob("test_*.py")) if path.parent != UNIT / "support"]
"""All but the tests of what the tests share."""

LONGEST = 400
LONGEST_MODULE = 300


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(UNIT)))
def test_a_unit_test_is_named_after_its_module_or_its_room(path: Path) -> None:
    """`test_MODULE.py` or `test_MODULE_topic.py` in the folder of the module; of a whole room, `test_ROOM_topic.py`."""
    room = ROOT / "notifier" / path.parent.relative_to(UNIT)
    names = {entry.stem for entry in room.iterdir() if not entry.name.startswith((".", "_"))} | {room.name}
    topic = f"{path.stem.removeprefix('test_')}_"
    assert any(topic.startswith(f"{name}_") for name in names), (
        f"{room.relative_to(ROOT)} has {', '.join(sorted(names))}"
    )


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_test_file_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST, "split it by topic"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notifier").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_module_has_at_most_300_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE, "split it by meaning"


def test_the_root_has_few_rooms_and_files() -> None:
    """A stranger reads them in one look: at most 13 folders and 4 modules."""
    entries = list((ROOT / "notifier").iterdir())
    assert sum(any(path.glob("*.py")) for path in entries) <= 13
    assert sum(path.suffix == ".py" for path in entries) <= 4
