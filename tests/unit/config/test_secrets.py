"""Which parts of a configuration may never be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config.secrets import masked_url, secrets_in, without_secrets


@pytest.mark.parametrize(
    ("url", "secret", "public"),
    [
        ("mailtos://user:p%40ssword@mail.example.com", ["p%40ssword", "p@ssword"], ["mail.example.com", "user"]),
        ("mailtos://user:p@ss/word@mail.example.com", ["p@ss/word"], ["mail.example.com"]),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", ["T1JJ3T3L2", "A1BRTD4JD"], ["#general"]),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", ["abcdefg_hijklmnop", "12315544"], ["tgram"]),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", ["JHMHI8qBe7bk2ZwO5U711o3dV_js"], ["discord"]),
        ("json://s3cr3tus3rtoken@localhost/path", ["s3cr3tus3rtoken"], ["localhost", "path"]),
        ("json://localhost/hooks/abcdefgh?token=123456&format=markdown", ["abcdefgh", "123456"], ["markdown", "hooks"]),
        ("json://localhost/abc%2Fdefgh", ["abc%2Fdefgh", "abc/defgh"], ["localhost"]),
        ("ntfys://tk_a1b2c3d4e5@ntfy.example.com/topic", ["tk_a1b2c3d4e5"], ["ntfy.example.com", "topic"]),
        ("json://user:abc@host", [], ["abc", "host", "user"]),
    ],
)
def test_what_is_secret_in_a_url_and_what_is_not(url: str, secret: list[str], public: list[str]) -> None:
    found = secrets_in(urls=[url])
    assert {url, *secret} <= found
    assert found.isdisjoint(public)


def test_the_token_is_secret() -> None:
    assert secrets_in(token="tok") == {"tok"}
    assert secrets_in() == frozenset()


def test_a_text_is_masked_the_longest_secret_first() -> None:
    assert without_secrets("a secret-token, a secret", {"secret", "secret-token"}) == "a ***, a ***"


def test_of_a_url_only_the_scheme_is_shown() -> None:
    assert masked_url("slack://A/B/C") == "slack://***"


@given(st.text(max_size=40))
def test_any_text_may_be_a_url_and_nothing_short_is_masked_everywhere(text: str) -> None:
    assert all(len(secret) >= 4 for secret in secrets_in(urls=[f"x://{text}"]))
