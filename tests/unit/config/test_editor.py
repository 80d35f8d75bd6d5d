"""The schema for editors refuses nothing that the program takes, and marks what a user most often gets wrong."""

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from config.conftest import CHECKS, ENVIRON
from notifier.config.editor import json_schema
from notifier.config.load import load
from notifier.config.nodes import ListNode, MappingNode, Node
from notifier.config.tree import parse
from notifier.core.errors import ConfigurationRefused

EXAMPLE = (Path(__file__).parents[3] / "config.example.yaml").read_text("utf-8")
UNCOMMENTED = re.sub(r"(?m)^( *)#(?=\S|  +\S)", r"\1", EXAMPLE)

VALIDATOR = Draft202012Validator(json_schema())


def as_editors_read(node: Node | None) -> Any:
    """The file as it is written, variables and all."""
    match node:
        case ListNode(items=items):
            return [as_editors_read(item) for item in items]
        case MappingNode(values=values):
            return {key: as_editors_read(value) for key, value in values.items()}
        case _:
            return None if node is None else node.value


def marks(text: str) -> list[str]:
    root, flaws = parse(text)
    assert not flaws
    return [error.json_path for error in VALIDATOR.iter_errors(as_editors_read(root))]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("text", [EXAMPLE, UNCOMMENTED], ids=["example", "uncommented"])
def test_the_example_is_right(text: str) -> None:
    assert marks(text) == []


@pytest.mark.parametrize(
    "more",
    [
        "watches:", "watches: []", "operators:", "operators: team", "include: more/*.yaml", "defaults:", "templates:",
        "api: {token: x, requests_per_second: '${RATE:-10}', timeout: 1m30s}", "keep: ' 7d '", "keep: ${KEEP:-90d}",
        "watches: [{snapshot: a, notify: team, labels: }]", "watches: [{snapshot: a, notify: [team], on: all}]",
        "watches: [{dataset: gd_1, notify: team, download: results, stalled_after: off, results_kept: 30d}]",
        "watches: [{snapshot: a, notify: team, download: {folder: '${TOKEN}', format: csv}, expiring_before: 2h}]",
        "http: 127.0.0.1:0", "http: {listen: '${LISTEN:-off}'}", "heartbeat: https://example.com/x",
        "heartbeat: {url: https://example.com/x, every: 30s}",
        "http: off", "state: sqlite:///x.db", 'channels: {team: {url: "json://a", pace: 20/m, on_uncertain: hold}}',
    ],
)  # fmt: skip
def test_what_the_program_takes_is_not_marked(more: str, tmp_path: Path) -> None:
    root = {"api": "api: {token: t}", "channels": 'channels: {team: "json://a"}'}
    text = "\n".join([*(line for key, line in root.items() if not more.startswith(key)), more, ""])
    (tmp_path / "config.yaml").write_text(text)
    load(tmp_path / "config.yaml", environ=ENVIRON, checks=CHECKS)
    assert marks(text) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("wathces: []", "$"),
        ("watches: [{snapshot: a, evry: 30s}]", "$.watches"),
        ("watches: [{name: a}]", "$.watches"),
        ("watches: [{snapshot: a, dataset: b}]", "$.watches"),
        ("watches: [{dataset: a, download: {format: csv}}]", "$.watches"),
        ("watches: [{dataset: a, download: {folder: a, format: xml}}]", "$.watches"),
        ("api: {token: t, batch: always}", "$.api"),
        ("defaults: {every: 30}", "$.defaults"),
        ("defaults: {every: 30 sec}", "$.defaults"),
        ("keep: 1w", "$.keep"),
        ("channels: {team: {pace: 5}}", "$.channels"),
        ("channels: {team: {on_uncertain: drop}}", "$.channels"),
        ("api: {requests_per_second: fast}", "$.api"),
        ("operators: [1]", "$.operators"),
        ("http: {listn: off}", "$.http"),
        ("heartbeat: {every: 1m}", "$.heartbeat"),
    ],
)
def test_what_is_wrong_is_marked(text: str, place: str, tmp_path: Path) -> None:
    assert [mark.partition(".")[2].split(".")[0] for mark in marks(text)] == [place.partition(".")[2]]
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ConfigurationRefused):
        load(tmp_path / "config.yaml", environ=ENVIRON, checks=CHECKS)
