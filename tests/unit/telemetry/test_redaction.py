"""No secret comes through the redactor, however it is wrapped."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.words import MASK
from notifier.telemetry.redaction import Redactor

SECRET = "canary-7f3a"


@dataclass
class Holder:
    value: str


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        f"https://x/{SECRET}?a=b",
        b"in " + SECRET.encode(),
        bytearray(SECRET.encode()),
        [SECRET],
        (SECRET, 1),
        {SECRET},
        frozenset({SECRET}),
        {"token": SECRET},
        {SECRET: "token"},
        {"a": [{"b": (SECRET, {SECRET.encode()})}]},
        ValueError(f"bad token {SECRET}"),
        KeyError(SECRET),
        Holder(SECRET),
    ],
)
def test_a_secret_is_masked_wherever_it_stands(value: Any) -> None:
    found = Redactor([SECRET]).of(value)
    assert SECRET not in repr(found)
    assert MASK in repr(found)


@pytest.mark.parametrize("value", [None, True, 3, 0.5, "plain", ["a", 1], {"a": {"b": None}}])
def test_what_holds_no_secret_stays_as_it_is(value: Any) -> None:
    assert Redactor([SECRET]).of(value) == value


def test_what_has_no_plain_form_is_told_by_its_own_words() -> None:
    assert Redactor().of(datetime(2026, 11, 23, tzinfo=UTC)) == "2026-11-23 00:00:00+00:00"


def test_a_secret_inside_another_leaves_no_rest() -> None:
    redact = Redactor(["7f3a", "canary-7f3a-long"])
    assert redact("canary-7f3a-long 7f3a") == "*** ***"


def test_secrets_may_be_added_and_stay() -> None:
    redact = Redactor(["first-secret"])
    redact.add(["second-secret", ""])
    assert redact("first-secret second-secret third") == "*** *** third"


def test_without_secrets_nothing_is_masked() -> None:
    assert Redactor([""])("anything") == "anything"


@given(st.lists(st.text(min_size=4, max_size=12), max_size=5), st.text(max_size=50), st.text(max_size=50))
def test_no_secret_is_left_in_any_text(secrets: list[str], before: str, after: str) -> None:
    redact = Redactor(secrets)
    for secret in secrets:
        if MASK in secret or any(secret in MASK + edge or secret in edge + MASK for edge in (before, after)):
            continue
        found = redact(f"{before}\n{secret}\n{after}")
        assert secret not in found.replace(MASK, "\0")


@pytest.mark.parametrize("secret", ["t", "ab", "xyz"])
def test_what_is_too_short_to_be_a_secret_tears_no_text(secret: str) -> None:
    assert Redactor([secret])("a text about xyz, ab initio") == "a text about xyz, ab initio"
    assert Redactor([f"{secret}9999"])(f"<{secret}9999>") == "<***>"
