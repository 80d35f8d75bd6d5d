"""What `make docs` makes is what would be made now."""

import json
from pathlib import Path

import pytest

from notifier.cli.reference import reference
from notifier.config.edit.initial import INITIAL
from notifier.config.edit.json_schema import SCHEMA_FILE, json_schema
from notifier.web.api.published import published

ROOT = Path(__file__).parents[2]
CURE = "`make docs` writes it anew, and it goes into the same commit"


def test_the_page_of_the_commands_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in ("40", "200"):  # it is the same on any terminal
        monkeypatch.setenv("COLUMNS", columns)
        assert reference() == (ROOT / "docs/cli.md").read_text(encoding="utf-8"), CURE


def test_the_schema_beside_the_example_is_current() -> None:
    assert json_schema() == json.loads((ROOT / SCHEMA_FILE).read_text(encoding="utf-8")), CURE


def test_the_first_line_of_the_example_names_the_schema_beside_it() -> None:
    assert INITIAL.splitlines()[0] == f"# yaml-language-server: $schema={SCHEMA_FILE}"
    assert (ROOT / "config.example.yaml").with_name(SCHEMA_FILE).exists()


def test_the_description_of_the_api_is_current() -> None:
    assert published() == (ROOT / "docs/openapi.json").read_text(encoding="utf-8"), CURE
