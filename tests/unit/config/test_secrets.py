"""The secret parts of a configuration are known, and masked."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config.model import Webhook
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


WEBHOOK_SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@pytest.mark.parametrize(
    ("url", "secret", "public"),
    [
        ("https://example.com/hooks/snapshots", ["/hooks/snapshots"], ["snapshots", "hooks", "example.com"]),
        ("https://example.com/in-coming/bright_data/", ["/in-coming/bright_data/"], ["in-coming", "bright_data", ""]),
        ("https://x.example:8443/T0pS3cret/%40bcdefgh", ["T0pS3cret", "@bcdefgh", "/T0pS3cret/@bcdefgh"], ["8443"]),
        ("https://example.com/x?key=123456&v=1", ["123456", "/x?key=123456&v=1"], ["/x", "1", "key"]),
        ("https://example.com", [], ["example.com", "/", "https"]),
        ("https://example.com/xqkjzvbwxqkjzvbwxq", ["xqkjzvbwxqkjzvbwxq"], []),
    ],
)
def test_what_is_secret_in_the_address_of_a_webhook_and_what_is_not(
    url: str, secret: list[str], public: list[str]
) -> None:
    found = secrets_in(webhooks=[Webhook(url=url, secrets=())])
    assert {url, *secret} <= found
    assert found.isdisjoint(public)


def test_webhook_secrets_are_secret_with_and_without_prefix() -> None:
    webhook = Webhook(url="https://x", secrets=(f"whsec_{WEBHOOK_SECRET}", "whsec_QUFB"))
    bare = WEBHOOK_SECRET.rstrip("=")
    expected = {"https://x", f"whsec_{WEBHOOK_SECRET}", WEBHOOK_SECRET, bare, "whsec_QUFB", "QUFB"}
    assert secrets_in(webhooks=[webhook]) == expected


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
    assert all(len(secret) >= 4 for secret in secrets_in(webhooks=[Webhook(url=f"x://{text}", secrets=())]))


@pytest.mark.parametrize("password", ["x", "ab", "abc"])
def test_the_base64_form_of_a_short_password_is_masked(password: str) -> None:
    travels = base64.b64encode(f"user:{password}".encode()).decode("ascii")
    found = secrets_in(urls=[f"json://user:{password}@example.com/hook"])
    assert travels.rstrip("=") in found
    assert password not in found
