"""Both parsers of PyYAML give the same tree of YAML 1.2, with places and flaws, within bounds."""

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifier.config.yaml.interpolation import plain_data
from notifier.config.yaml.nodes import MappingNode, Place, locate
from notifier.config.yaml.parser import DEEPEST, FAST_LOADER, MOST_ALIASED, parse

LOADERS = [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)]
both_loaders = pytest.mark.parametrize("loader", LOADERS, ids=["python", "c"])


def data_of(text: str, loader: type = FAST_LOADER) -> object:
    root, flaws = parse(text, loader)
    assert root is not None, flaws
    assert not flaws
    return plain_data(root, {})[0]


def flaws_of(text: str, loader: type = FAST_LOADER) -> list[str]:
    _, flaws = parse(text, loader)
    return [f"{flaw.place.line}:{flaw.place.column}: {flaw.text}" if flaw.place else flaw.text for flaw in flaws]


@both_loaders
def test_yaml_1_1_booleans_and_times_are_texts(loader: type) -> None:
    text = "on: [yes, no, off]\nfrom: 22:00\n'2026': 2026-01-01\nquoted: '12'\nfolded: >-\n  a\n  b\nnothing:\n"
    assert data_of(text, loader) == {
        "on": ["yes", "no", "off"],
        "from": "22:00",
        "2026": "2026-01-01",
        "quoted": "12",
        "folded": "a b",
        "nothing": None,
    }


@both_loaders
def test_every_key_and_value_knows_its_line_and_column(loader: type) -> None:
    root, _ = parse("a:\n  - b: 1\n    ü: {c: x}\n", loader)
    assert root is not None
    assert locate(root, ("a",)).key_place == Place(1, 1)
    assert locate(root, ("a", 0, "b")).key_place == Place(2, 5)
    assert locate(root, ("a", 0, "b")).node.place == Place(2, 8)
    assert locate(root, ("a", 0, "ü", "c")).node.place == Place(3, 12)
    assert locate(root, ("a", 0, "none", 3)).path == ("a", 0)


COMMA = "or lacks a `,` between two "
TAG = "a YAML tag (`!…`) is not allowed here: remove it, or quote the text"
MERGE = "`<<` is not part of YAML 1.2: write the keys out, or put them under `defaults:`"


@both_loaders
@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("a: 1\na: 2", "2:1: this key is already on line 1: keep one of them"),
        ("a: {b: 1, b: 2}", "1:11: this key is already on line 1: keep one of them"),
        ("a:\n\tb: 1", "2:1: a tab in the indentation: YAML is indented with spaces"),
        ("a:\n  \tb: 1", "2:3: a tab in the indentation: YAML is indented with spaces"),
        ("a: b: c", "1:5: not YAML: a `:` where no key can stand: check the indentation, and quote text with `: `"),
        ("a: 'x\nb: 2", "1:4: not YAML: the quote that opens here is never closed"),
        ('a: "x\n---\n', "1:4: not YAML: the quote that opens here is never closed"),
        ("a: [1, 2\nb: 3", "1:4: not YAML: the list that opens with `[` here is not closed, " + COMMA + "items"),
        ("a: {b: 1\nc: 2", "1:4: not YAML: the mapping that opens with `{` here is not closed, " + COMMA + "entries"),
        ("- a\nb: c", None),
        ("a: @x", "1:4: not YAML: text that begins with `@` needs quotes"),
        ("a: `x`", "1:4: not YAML: text that begins with ``` needs quotes"),
        ("a: - b", "1:4: not YAML: a list item cannot begin here: put each `- ` on a line of its own"),
        ("a: ]", "1:4: not YAML: a value is missing before this character; text that begins with it needs quotes"),
        ("a: [b,\n", "2:1: not YAML: the file ends where a `[` or a `{` is not closed"),
        ("a: {\n\n", "3:1: not YAML: the file ends where a `[` or a `{` is not closed"),
        ("a: *x", "1:4: there is no anchor `&x` before this; quote a text with `*`"),
        ("a: * x", "1:5: not YAML: `&` and `*` start YAML anchors and aliases: put the text in quotes"),
        ("a: &x [*x]", "1:8: an alias inside of what it stands for: write the value out"),
        ("a: !!python/object:os.system x", "1:4: " + TAG),
        ("a: !!int '5'", "1:4: " + TAG),
        ("a: !env X", "1:4: " + TAG),
        ("a: &x {b: 1}\nc: {<<: *x}", "2:5: " + MERGE),
        ("---\na: 1\n---\nb: 2", "3:1: a second document begins here: a file holds one, so remove the `---`"),
        ("1: a", "1:1: a key must be text: put it in quotes"),
        ("a: {~: b}", "1:5: a key must be text: put it in quotes"),
        ("? [a]\n: b", "1:3: a list or a mapping cannot be a key"),
        ("a: \0", "1:4: the control character NUL is not allowed: is this a text file?"),
        ("a: \x1b", "1:4: the control character U+001B is not allowed: remove it"),
        ("a: b\u2028c", "1:5: the control character U+2028 is not allowed: remove it"),
        ("%YAML 2.0\n---\na: b", "1:1: not YAML: an unknown `%YAML` version: remove this line"),
        ("x: " + "[" * 60 + "]" * 60, f"1:53: nested more than {DEEPEST} levels deep"),
    ],
)  # fmt: skip
def test_each_flaw_has_its_place_and_fix(loader: type, text: str, flaw: str | None) -> None:
    found = flaws_of(text, loader)
    assert len(found) == 1
    assert flaw is None or found == [flaw]


@pytest.mark.parametrize(
    "text",
    ["[" * 1_000_000, "{a: " * 100_000, "- " * 100_000, "? " * 9_000, "\n".join(" " * i + "a:" for i in range(2_000))],
    ids=["lists", "mappings", "dashes", "keys", "blocks"],
)  # fmt: skip
@both_loaders
def test_deep_nesting_is_refused_without_overflow(loader: type, text: str) -> None:
    _, flaws = parse(text, loader)
    assert flaws


def test_anchors_for_defaults_are_expanded() -> None:
    assert data_of("a: &list [x, y]\nb: *list\nc: [*list, *list]") == {
        "a": ["x", "y"],
        "b": ["x", "y"],
        "c": [["x", "y"], ["x", "y"]],
    }


@both_loaders
def test_a_bomb_of_aliases_is_refused_before_it_grows(loader: type) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 40)]
    (flaw,) = flaws_of("\n".join(levels), loader)
    assert f"repeat more than {MOST_ALIASED:,} values: write them out" in flaw


def test_a_chain_of_aliases_cannot_nest_deeper_than_text_can() -> None:
    levels = ["a0: &a0 [x]", *(f"a{level}: &a{level} [*a{level - 1}]" for level in range(1, 100))]
    (flaw,) = flaws_of("\n".join(levels))
    assert flaw.endswith(f"nested more than {DEEPEST} levels deep")


def test_after_a_duplicate_key_the_rest_is_still_read() -> None:
    root, flaws = parse("a: 1\na: 2\nb: 3\nb: 4")
    assert isinstance(root, MappingNode)
    assert list(root.values) == ["a", "b"]
    assert len(flaws) == 2


YAMLISH = st.lists(
    st.sampled_from(
        ["a", "on", "1", "- ", ": ", ":", "\n", "\n  ", "\n    ", "\t", " ", "[", "]", "{", "}", ",", "&a ", "*a",
         "!x ", "!!str ", '"', "'", "\\", "# c", "|\n", ">-\n", "---\n", "...\n", "%YAML 1.2\n", "@", "`", "? ", "<<: ",
         "~", "é", "😀", "\\ud800", '"\\ud800"', '"\\UFFFFFFFF"', "${A}", "%YAML 1." + "9" * 5000]
    ),
    max_size=20,
).map("".join)  # fmt: skip


@settings(deadline=None)
@given(YAMLISH)
@example('a: "\\UFFFFFFFF"')
@example('a: "\\ud800"')
@example("%YAML 1." + "9" * 5000 + "\n---\na")
def test_both_parsers_agree_on_what_is_refused_and_on_what_a_text_means(text: str) -> None:
    slow, slow_flaws = parse(text, LOADERS[0])
    fast, fast_flaws = parse(text, LOADERS[1])
    assert bool(slow_flaws) == bool(fast_flaws)
    if slow is not None and fast is not None and not slow_flaws:
        assert repr(plain_data(slow, {})[0]) == repr(plain_data(fast, {})[0])
