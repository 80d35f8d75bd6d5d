"""docs/configuration.md has every key of the configuration and no other, with its default and an example that works."""

import re
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, get_args

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from notifier.config.edit.json_schema import json_schema
from notifier.config.fields import Context
from notifier.config.schema import IncludedFile, MainFile
from notifier.config.values.durations import format_duration
from notifier.config.yaml.interpolation import plain_data
from notifier.config.yaml.parser import parse

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
WITHOUT_CHECKS = Context(channels=None, check_url=lambda _: None, check_template=lambda _: None)
ENVIRON = {
    "BRIGHTDATA_API_KEY": "t0ken",
    "SLACK_URL": "slack://A/B/C",
    "PIPELINE_SECRET": "QUFB" * 8,
    "NOTIFIER_HTTP_TOKEN": "page-t0ken-0123456789",
    "NOTIFIER_HOOKS_SECRET": "h00k-s3cret-0123456789abcdef",
}
IN_EFFECT = MappingProxyType({"MainFile.state": "sqlite:///notifier.db"})
"""Defaults that the schema has in another form than a file."""


class Row(NamedTuple):
    """A line of a table: its key, an example, the default and what is said of it."""

    key: str
    takes: str
    default: str
    says: str


def sections(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and all that its keys lead to, each once."""
    waiting: list[object] = [model]
    found: list[type[BaseModel]] = []
    while waiting:
        kind = waiting.pop(0)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if kind not in found:
                found.append(kind)
                waiting += [field.annotation for field in kind.model_fields.values()]
        else:
            waiting += get_args(kind)
    yield from found


def heading_of(model: type[BaseModel]) -> str:
    """The heading of a section's table: the word in backticks of its model's docstring."""
    word = re.search(r"`\w+:`", model.__doc__ or "")
    return word[0] if word else (model.__doc__ or "").rstrip(".")


def table(heading: str) -> dict[str, Row]:
    """The lines of the table under a heading, by their keys."""
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    lines = re.findall(r"^\| (`\w+`) \|(.*)\|$", section[1], re.MULTILINE) if section else []
    return {key.strip("`"): Row(key.strip("`"), *map(str.strip, rest.split("|"))) for key, rest in lines}


def keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys of a section as a file has them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


SECTIONS = list(sections(MainFile))
KEYS = [(model, key) for model in SECTIONS for key in keys(model)]


@pytest.mark.parametrize("model", SECTIONS, ids=heading_of)
def test_every_key_has_its_row_and_every_row_its_key(model: type[BaseModel]) -> None:
    heading = heading_of(model)
    written = table(heading)
    missing, invented = keys(model).keys() - written.keys(), written.keys() - keys(model).keys()
    cure = (
        f"add to docs/configuration.md, in the table under `## {heading}` (make that section if there is none), a line "
        "`| `key` | kind: `example` | `default` | what it does, what is refused |` for "
    )
    assert not missing, f"{cure}{', '.join(sorted(missing))}"
    assert not invented, f"take out of docs/configuration.md, under {heading}: {', '.join(sorted(invented))}"


def test_the_page_names_all_keys_of_an_included_file() -> None:
    assert list(keys(IncludedFile)) == ["watches"]


@pytest.mark.parametrize(("model", "key"), KEYS, ids=lambda each: each if isinstance(each, str) else heading_of(each))
def test_the_default_is_the_one_in_effect(model: type[BaseModel], key: str) -> None:
    field = keys(model)[key]
    if (
        field.is_required()
        or field.default is None
        or isinstance(field.default, BaseModel)
        or field.default in ([], {})
    ):
        return  # needed, made of others, or said in words
    expected = IN_EFFECT.get(f"{model.__name__}.{key}") or as_written(field.default)
    assert table(heading_of(model))[key].default == f"`{expected}`"


def as_written(value: object) -> str:
    """A value as a file has it."""
    if isinstance(value, timedelta):
        return {"1d": "24h"}.get(text := format_duration(value), text)
    if isinstance(value, list):
        return f"[{', '.join(map(as_written, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value.value if isinstance(value, Enum) else value)


@pytest.mark.parametrize(("model", "key"), KEYS, ids=lambda each: each if isinstance(each, str) else heading_of(each))
def test_the_example_of_each_key_is_valid(model: type[BaseModel], key: str) -> None:
    row = table(heading_of(model))[key]
    assert row.says, f"say what {key} does"
    example = re.search(r"`([^`]+)`", row.takes)
    if example is None:
        assert re.search(r"\]\(#\w+\)", row.takes), f"{key}: give an example in backticks, or a link to the section"
        return
    root, flaws = parse(f"{key}: {example[1]}")
    assert root is not None, flaws
    values, _ = plain_data(root, ENVIRON)
    assert list(wrong_with(model, values, key)) == []


def wrong_with(model: type[BaseModel], values: object, key: str) -> Iterator[str]:
    """What the schema says of one key, whatever else is missing."""
    try:
        model.model_validate(values, context=WITHOUT_CHECKS)
    except ValidationError as error:
        yield from (str(each) for each in error.errors() if each["loc"][:1] == (key,))


def test_the_json_schema_has_the_same_keys() -> None:
    """What the page is held against is what `config schema` prints."""
    schema = json_schema()
    named = {name: set(section["properties"]) for name, section in schema["$defs"].items()}
    assert named == {model.__name__: set(keys(model)) for model in SECTIONS if model is not MainFile}
    assert set(schema["properties"]) == set(keys(MainFile))
