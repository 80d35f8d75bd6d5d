"""The token comes from one of three places, and a file is read each time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from notifier.config.model import Api, Config
from notifier.config.sources.token import read_token
from notifier.core.errors import NotifierError

Loader = Callable[..., Config]
Refusal = Callable[..., list[str]]

NOT_ASCII = "a token has only printable ASCII characters and no spaces: check that it was copied completely"
THREE_WAYS = (
    "the Bright Data token is missing: write `token: ${BRIGHTDATA_API_KEY}` or `token_file: PATH` under `api:`, "
    "or give the service the systemd credential `brightdata-token`"
)


def test_a_token_in_the_configuration_is_the_token(loaded: Loader) -> None:
    config = loaded("api: {token: '${TOKEN}'}")
    assert read_token(config.api) == "tok-123"
    assert config.secrets == {"tok-123"}


def test_a_token_file_is_beside_the_configuration_and_read_each_time(loaded: Loader, folder: Path) -> None:
    (folder / "token").write_text("first\n")
    config = loaded("api: {token_file: token}")
    assert config.api == Api(token_file=folder / "token")
    assert "first" in config.secrets
    assert read_token(config.api) == "first"
    (folder / "token").write_text("second")
    assert read_token(config.api) == "second"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "the file cannot be read: No such file or directory"),
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"a b", NOT_ASCII),
        (b"a\nb", "a line break or a control character is in this text: write it on one line"),
        (b"\xff", "the file is not a text"),
        (b"x" * 5_000, "longer than 4096 characters, which is too long for a token"),
        ("schlüssel".encode(), NOT_ASCII),
    ],
)  # fmt: skip
def test_a_token_file_without_a_token_is_refused(
    refused: Refusal, folder: Path, content: bytes | None, why: str
) -> None:
    if content is not None:
        (folder / "token").write_bytes(content)
    assert refused("api: {token_file: token}") == [f"config.yaml:1:19: api.token_file: {why}"]
    with pytest.raises(NotifierError) as error:
        read_token(Api(token_file=folder / "token"))
    assert str(error.value) == f"cannot read the token from {folder / 'token'}: {why}"


def test_a_folder_is_no_token_file(refused: Refusal) -> None:
    assert refused("api: {token_file: .}") == [
        "config.yaml:1:19: api.token_file: the file cannot be read: Is a directory"
    ]


def test_the_systemd_credential_is_used_when_nothing_is_written(loaded: Loader, folder: Path) -> None:
    (folder / "brightdata-token").write_text("credential\n")
    for text in ("state: sqlite:///x.db", "api: {timeout: 5s}", "api:"):
        config = loaded(text, CREDENTIALS_DIRECTORY=str(folder))
        assert config.api.token_file == folder / "brightdata-token"
        assert "credential" in config.secrets
    assert loaded("api: {token: own}", CREDENTIALS_DIRECTORY=str(folder)).api.token == "own"


def test_an_empty_credential_is_refused(refused: Refusal, folder: Path) -> None:
    (folder / "brightdata-token").touch()
    assert refused("api: {}", CREDENTIALS_DIRECTORY=str(folder)) == [
        "config.yaml:1:6: api: the systemd credential `brightdata-token`: the file is empty"
    ]


@pytest.mark.parametrize(("text", "place"), [("api: {}", "1:1"), ("state: sqlite:///x.db", "1:1"), ("#\napi:", "2:1")])
def test_without_a_token_the_three_ways_are_named(refused: Refusal, folder: Path, text: str, place: str) -> None:
    lines = refused(text, CREDENTIALS_DIRECTORY=str(folder))
    assert lines == [f"config.yaml:{place}: api.token: {THREE_WAYS}"]


def test_two_tokens_are_refused(refused: Refusal) -> None:
    assert refused("api: {token: a, token_file: b}") == [
        "config.yaml:1:17: api.token_file: `token` and `token_file` are both given: keep one of them"
    ]
