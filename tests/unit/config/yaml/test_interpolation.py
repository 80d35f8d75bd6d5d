"""Environment variables are interpolated in texts, once."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config.yaml.interpolation import interpolate

ENVIRON = {"A": "apple", "EMPTY": "", "YAML": "[1, {b: 2}]", "NESTED": "${A}", "BYTES": "\udcff"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${A}", "apple"),
        ("x${A}y${A}", "xappleyapple"),
        ("${NONE:-pear}", "pear"),
        ("${NONE:-}", ""),
        ("${A:-pear}", "apple"),
        ("${EMPTY:-pear}", "pear"),
        ("${EMPTY}", ""),
        ("${NONE:-a:-b}", "a:-b"),
        ("$${A}", "${A}"),
        ("$A $ $$ {A}", "$A $ $$ {A}"),
        ("${YAML}", "[1, {b: 2}]"),
        ("${NESTED}", "${A}"),
        ("no variable", "no variable"),
    ],
)
def test_variables_are_interpolated_once(text: str, result: str) -> None:
    assert interpolate(text, ENVIRON) == result


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("${NONE}", "the environment variable NONE is not set: set it where notifier is started, or give it a default"),
        ("${A", "`${` without its `}`"),
        ("${", "`${` without its `}`"),
        ("${}", "only `${NAME}` and `${NAME:-default}` are known"),
        ("${1A}", "only `${NAME}`"),
        ("${A-x}", "only `${NAME}`"),
        ("${A:?x}", "only `${NAME}`"),
        ("${ A }", "only `${NAME}`"),
        ("${A:-${B}}", "cannot hold another variable"),
        ("${BYTES}", "the environment variable BYTES is not valid UTF-8"),
    ],
)
def test_an_invalid_reference_is_an_error_with_its_fix(text: str, cure: str) -> None:
    with pytest.raises(ValueError, match=re.escape(cure)):
        interpolate(text, ENVIRON)


def test_an_empty_variable_is_an_error_in_sections_with_secrets() -> None:
    with pytest.raises(ValueError, match="the environment variable EMPTY is empty"):
        interpolate("x${EMPTY}", ENVIRON, empty_allowed=False)


@given(st.text("${}A:-x "))
def test_any_text_is_interpolated_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        interpolate(text, ENVIRON)
