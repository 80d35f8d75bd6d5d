"""Rules for texts in the YAML. Each takes a value as YAML gives it and returns what it means.

They raise ValueError. Its text says what to do, and quotes nothing that may be a secret: no URL, no token, no variable.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from notifier.config.yaml.interpolation import FromEnvironment

Parsed = TypeVar("Parsed")

LONGEST_TEXT = 200
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNPRINTABLE_IN_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def kind(value: object) -> str:
    """Return the type of a YAML value for users."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a mapping"


def shown(value: str) -> str:
    """Return a text as errors quote it: as the file has it, shortened; a URL is not shown."""
    written = value.written if isinstance(value, FromEnvironment) else value
    if "://" in written:
        return "(a URL)"
    printable = _UNPRINTABLE.sub("?", written)
    return f"'{printable[:60]}{'…' if len(printable) > 60 else ''}'"


def text(value: object) -> str:
    """Validate a text on one line that is not empty."""
    checked = lines(value)
    if _UNPRINTABLE.search(checked):
        raise ValueError("a line break or a control character is in this text: write it on one line")
    return checked


def lines(value: object) -> str:
    """Validate a text that is not empty."""
    if value is None:
        raise ValueError("this key has no value: give it one, or remove it")
    if isinstance(value, bool | int | float):
        raise ValueError(f"text is expected here, and YAML reads this as {kind(value)}: put it in quotes")
    if not isinstance(value, str):
        raise ValueError(f"text is expected here, not {kind(value)}")
    if not value.strip():
        raise ValueError("empty: give it a value, or remove the key")
    return value


def template(value: object) -> str:
    """Validate the source of a template, as far as possible without Jinja2. It may have several lines."""
    checked = lines(value)
    if _UNPRINTABLE_IN_LINES.search(checked):
        raise ValueError("a control character is in this text: remove it")
    return checked


def parsed(value: object, parse: Callable[[str], Parsed]) -> Parsed:
    """Validate a text, and parse it. The error quotes the text."""
    checked = text(value)
    try:
        return parse(checked.strip())
    except ValueError as error:
        raise ValueError(f"{shown(checked)}: {error}") from None


def true_or_false(value: object) -> bool:
    """Validate a boolean, which may come from a variable as text."""
    if isinstance(value, FromEnvironment) and value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise ValueError(f"`true` or `false` is expected here, not {kind(value)}")
    return value


def name(value: object) -> str:
    """Validate a short text for people."""
    checked = str(text(value)).strip()
    if len(checked) > LONGEST_TEXT:
        raise ValueError(f"longer than {LONGEST_TEXT} characters")
    return checked
