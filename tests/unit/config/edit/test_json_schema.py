"""The JSON Schema accepts everything valid, and marks the usual mistakes."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from notifier.config.edit.json_schema import json_schema
from notifier.config.load import load
from notifier.config.yaml.nodes import ListNode, MappingNode, Node
from notifier.config.yaml.parser import parse
from notifier.core.errors import ConfigurationRefused
from unit.config.conftest import CHECKS, ENVIRON

EXAMPLE = (Path(__file__).parents[4] / "config.example.yaml").read_text("utf-8")
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


def test_the_schema_is_valid() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("text", [EXAMPLE, UNCOMMENTED], ids=["example", "uncommented"])
def test_the_example_is_valid(text: str) -> None:
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
        "http: {public_url: 'https://notifier.example.com/a/'}",
        "hooks: {secret: h00k-s3cret-0123456789abcdef, adopt: true, notify: team, labels: {a: b}, download: results}",
        "hooks: {secret: [0123456789abcdef0123-_AB, h00k-s3cret-0123456789abcdef]}",
        "heartbeat: {url: https://example.com/x, every: 30s}",
        "http: off", "state: sqlite:///x.db", 'channels: {team: {url: "json://a", pace: 20/m, on_uncertain: hold}}',
    ],
)  # fmt: skip
def test_what_the_program_accepts_is_valid(more: str, tmp_path: Path) -> None:
    root = {"api": "api: {token: t}", "channels": 'channels: {team: "json://a"}'}
    text = "\n".join([*(line for key, line in root.items() if not more.startswith(key)), more, ""])
    (tmp_path / "config.yaml").write_text(text)
    load(tmp_path / "config.yaml", environ=ENVIRON, checks=CHECKS)
    assert marks(text) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("wathces: []", "$"),
        ("watches: [{snapshot: b}, {snapshot: a, evry: 30s}]", "$.watches[1]"),
        ("watches: [{name: a}]", "$.watches[0]"),
        ("watches: [{snapshot: a}, nonsense]", "$.watches[1]"),
        ("watches: [{snapshot: a, dataset: b}]", "$.watches[0]"),
        ("watches: [{dataset: a, download: {format: csv}}]", "$.watches[0].download"),
        ("watches: [{dataset: a, download: {folder: a, format: xml}}]", "$.watches[0].download.format"),
        ("watches: [{snapshot: a, every: 30}]", "$.watches[0].every"),
        ("watches: [{snapshot: a/b}]", "$.watches[0].snapshot"),
        ("watches: [{snapshot: a, labels: {a: 1}}]", "$.watches[0].labels.a"),
        ("watches: [{snapshot: a, on: [ready, not one]}]", "$.watches[0].on[1]"),
        ("api: {token: t, batch: always}", "$.api.batch"),
        ("api: {token: t, token_file: x}", "$.api"),
        ("api: {base_url: 'http://example.com'}", "$.api.base_url"),
        ("defaults: {every: 30}", "$.defaults.every"),
        ("defaults: {every: 30 sec}", "$.defaults.every"),
        ("defaults: {stalled_after: never}", "$.defaults.stalled_after"),
        ("keep: 1w", "$.keep"),
        ("keep: 0s", "$.keep"),
        ("channels: {team: {url: 'json://x', pace: 5}}", "$.channels.team.pace"),
        ("channels: {team: {url: 'json://x', on_uncertain: drop}}", "$.channels.team.on_uncertain"),
        ("channels: {team: {pace: 5/m}}", "$.channels.team"),
        ("channels: {team: {webhook: 'https://x.org/y'}}", "$.channels.team"),
        ("channels: {team: {url: 'json://x', fallback_after: 5m}}", "$.channels.team"),
        ("channels: {team: {url: 'json://x', quiet: {from: 25:00, to: 7:00}}}", "$.channels.team.quiet.from"),
        ("channels: {team: nonsense}", "$.channels.team"),
        ("channels: {a b: 'json://x'}", "$.channels"),
        ("templates: {ready: {}}", "$.templates.ready"),
        ("api: {requests_per_second: fast}", "$.api.requests_per_second"),
        ("operators: [team, 1]", "$.operators[1]"),
        ("http: {listn: off}", "$.http"),
        ("heartbeat: {every: 1m}", "$.heartbeat"),
        ("state: postgresql://x", "$.state"),
    ],
)
def test_an_error_is_marked_at_its_entry(text: str, place: str, tmp_path: Path) -> None:
    assert set(marks(text)) == {place}
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ConfigurationRefused):
        load(tmp_path / "config.yaml", environ=ENVIRON, checks=CHECKS)


DURATIONS: st.SearchStrategy[Any] = st.sampled_from(
    ["30s", "1h30m", "2d", " 5m ", "${NOPE:-10s}", 30, "30", "0s", "5x", "", None, [], True]
)
TEXTS: st.SearchStrategy[Any] = st.sampled_from(
    ["a", "two words", "${PLAIN}", "x" * 200, "x" * 201, " ", "", 5, None, True, {}]
)
IDS: st.SearchStrategy[Any] = st.sampled_from(
    ["s_1", "gd_1", "${PLAIN}", "a/b", "a b", ".", "..", "x" * 201, "", 7, None, []]
)
WORDS = st.sampled_from(["ready", "all", "Ready", "api:x", "two words", "é", "", None, 1])
NAMES = st.sampled_from(["team", "${TEAM:-team}", "te am", 1, None])
FOLDERS = st.sampled_from(["results", "/var/x", "~/x", "s3://b/x", "", None, 5])
URLS = st.sampled_from(["json://x", "${TEAM_URL}", "nonsense", "", None, 5])
SECRET = ENVIRON["SECRET"]


def lists(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return one | st.lists(one, max_size=2)


def some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A mapping with some of the keys, sometimes one that nobody knows, or no mapping at all."""
    known = st.fixed_dictionaries({}, optional=keys)
    return known | known.map(lambda found: {**found, "zzz": 1}) | st.sampled_from([None, [], 5, "text", {}])


QUIET = some(
    **{
        "from": st.sampled_from(["22:00", "7:00", "24:00", "7", 7, None]),
        "to": st.sampled_from(["06:59", "25:00", None]),
        "except": lists(WORDS),
    }
)
TEMPLATE = some(title=st.sampled_from(["t", "", None, 5]), body=st.sampled_from(["b", "${PLAIN}"]))
CHANNEL = URLS | some(
    url=URLS,
    webhook=st.sampled_from(["https://example.com/x", "ftp://x", "https://a b", None]),
    secret=lists(st.sampled_from([SECRET, "${SECRET}", "short", 5])),
    allow_private=st.sampled_from([True, False, "true", "${NOPE:-true}", None]),
    fallback_after=DURATIONS,
    pace=st.sampled_from(["1/s", "20/m", "0/s", "1001/h", "1000/s", 5, "x", None]),
    quiet=QUIET,
    on_uncertain=st.sampled_from(["resend", "hold", "drop", None]),
    give_up_after=DURATIONS,
    templates=some(ready=TEMPLATE),
)
WATCH = some(
    snapshot=IDS,
    dataset=IDS,
    id=IDS,
    name=TEXTS,
    notify=lists(NAMES),
    on=lists(WORDS),
    every=DURATIONS,
    stalled_after=DURATIONS | st.just("off"),
    results_kept=DURATIONS,
    download=FOLDERS | some(folder=FOLDERS, format=st.sampled_from(["json", "csv", "xml", None])),
    labels=some(team=TEXTS),
)
SECTIONS = {
    "api": some(
        token=st.sampled_from(["t0ken", "${TOKEN}", "two words", "", None, 5]),
        token_file=TEXTS,
        base_url=st.sampled_from(["https://x.org", "http://localhost:1/a", "http://x.org", "x", "https://x/?a", 5]),
        requests_per_second=st.sampled_from([1, 0.5, "10", 0, -1, 10**7, "fast", True, None]),
        timeout=DURATIONS,
        batch=st.sampled_from(["auto", "never", "always", None]),
    ),
    "state": st.sampled_from(
        ["sqlite:///x.db", "sqlite:////v/x.db", "sqlite:///", "sqlite:///a/", "x", "sqlite:///~/x"]
    ),
    "http": st.sampled_from(["off", "127.0.0.1:0", "[::1]:80", "localhost", 80, None, {"listen": "off"}, {"x": 1}]),
    "heartbeat": st.sampled_from(["https://x.org/y", "x", {"url": "https://x.org"}, {"every": "1m"}, None, 5]),
    "operators": lists(NAMES),
    "channel": CHANNEL,
    "templates": some(failed=TEMPLATE),
    "defaults": some(every=DURATIONS, on=lists(WORDS), stalled_after=DURATIONS | st.just("off")),
    "watches": WATCH.map(lambda watch: [watch]) | st.sampled_from([None, "text", {}, [[]]]),
    "keep": st.sampled_from(["90d", "1w", 5, None]),
    "include": lists(st.sampled_from(["w/*.yaml", "", None, 5])),
}


@given(st.sampled_from(sorted(SECTIONS)).flatmap(lambda key: st.tuples(st.just(key), SECTIONS[key])))
@settings(max_examples=400)
def test_the_schema_and_the_program_agree_on_any_section(
    tmp_path_factory: pytest.TempPathFactory, section: tuple[str, Any]
) -> None:
    """Whatever stands in it, one refuses what the other refuses; what only the program can tell is not among it."""
    key, value = section
    data: dict[str, Any] = {
        "api": {"token": "t0ken"},
        "channels": {"team": "json://x"},
        "defaults": {"notify": ["team"]},
    }
    if key == "channel":
        data["channels"]["odd"] = value
    elif key in ("api", "defaults") and isinstance(value, dict):
        given_token = {"token", "token_file"} & value.keys()
        data[key] = {**({} if key == "api" and given_token else data[key]), **value}
    elif key not in ("api", "defaults"):
        data[key] = value
    else:
        data[key] = value if value is not None else data[key]
    path = tmp_path_factory.mktemp("any") / "config.yaml"
    if isinstance(data["api"], dict) and isinstance(data["api"].get("token_file"), str):
        data["api"]["token_file"] = data["api"]["token_file"].strip() and "token"  # one that there is, or no name
        path.with_name("token").write_text("t0ken")
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    try:
        load(path, environ=ENVIRON, checks=CHECKS)
        refused = []
    except ConfigurationRefused as error:
        refused = [str(problem) for problem in error.problems if "there is no time zone" not in str(problem)]
    marked = [f"{each.json_path}: {each.message}" for each in VALIDATOR.iter_errors(data)]
    assert bool(refused) == bool(marked), (data, refused, marked)
