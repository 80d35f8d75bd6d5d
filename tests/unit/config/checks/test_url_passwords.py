"""A password that would be misread gets a warning, which quotes nothing of it."""

from collections.abc import Callable

import pytest

from notifier.config.checks.url_passwords import warnings_of
from notifier.config.model import Config


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mailto://user:canary:ss@example.com", ["there are two `:`"]),
        ("json://user:canary%41ss@example.com", ["read as one character"]),
        ("json://user:canary:%41ss@example.com", ["there are two `:`", "read as one character"]),
        ("json://user:canary@ss@example.com", ["two `@`"]),
        ("mailto://user:canary%3Ass%40%2F%25%20@example.com?to=a@example.com", []),
        ("mailto://user:p%C3%A4ss@example.com", []),
        ("mailto://user:canary%ss@example.com", []),
        ("tgram://123456789:canary/chat", []),
        ("json://[::1]:8080/a@b:c%41", []),
        ("slack://bot%41@T/B/x", []),
    ],
)
def test_a_password_that_would_be_misread_is_warned_of(url: str, words: list[str]) -> None:
    found = list(warnings_of(url))
    assert len(found) == len(words)
    assert all(word in text for word, text in zip(words, found, strict=True))
    assert "canary" not in " ".join(found)


def test_it_is_warned_about_at_its_place(loaded: Callable[..., Config]) -> None:
    text = (
        "api: {token: t}\nchannels:\n  a: {url: 'json://user:canary:x@localhost'}\n  b: json://u:can%61ry@localhost\n"
    )
    warnings = loaded(text).warnings
    assert [each.key for each in warnings] == ["channels.a.url", "channels.b"]
    assert "canary" not in " ".join(map(str, warnings))
