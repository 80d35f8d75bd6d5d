"""A variable can be a systemd credential, which is a file."""

import os
from pathlib import Path

import pytest

from notifier.config.sources.environment import with_credentials
from notifier.config.yaml.interpolation import interpolate


@pytest.fixture
def given(tmp_path: Path) -> dict[str, str]:
    """Credentials, as systemd lays them out."""
    for name, content in {
        "brightdata-token": b"a-token\n",
        "SLACK_URL": b"slack://a/b/c\n",
        "secret_SMTP_PASSWORD": b" two words \r\n",
        "secret_SLACK_URL": b"from the folder",
        "secret_TWO_LINES": b"one\ntwo\n\n",
        "secret_SET": b"credential",
        "secret_EMPTY": b"credential",
        "secret_BYTES": b"\xff",
        "secret_not-a-name": b"x",
        "secret_": b"x",
    }.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "FOLDER").mkdir()
    return {"CREDENTIALS_DIRECTORY": str(tmp_path), "SET": "environment", "EMPTY": "", "NOTHING": ""}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${SLACK_URL}", "slack://a/b/c"),
        ("${SMTP_PASSWORD}", " two words "),
        ("${TWO_LINES}", "one\ntwo"),
        ("${SET}", "environment"),
        ("${EMPTY:-default}", "credential"),
        ("${FOLDER:-default}", "default"),
        ("${NOTHING}", ""),
        ("${secret_SMTP_PASSWORD}", " two words "),
    ],
)
def test_a_credential_is_the_value_of_a_variable_that_is_not_set(given: dict[str, str], text: str, value: str) -> None:
    assert interpolate(text, with_credentials(given)) == value


def test_a_file_name_that_is_no_variable_is_ignored(given: dict[str, str]) -> None:
    found = with_credentials(given).keys() - given.keys()
    assert {name for name in found if not name.startswith("secret_")} == {
        "SLACK_URL",
        "SMTP_PASSWORD",
        "TWO_LINES",
        "BYTES",
    }


def test_a_binary_credential_is_refused_like_a_variable(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="BYTES is not valid UTF-8"):
        interpolate("${BYTES}", with_credentials(given))


@pytest.mark.parametrize("environ", [{}, {"A": "b"}, {"CREDENTIALS_DIRECTORY": "/nowhere"}])
def test_without_credentials_the_environment_is_as_it_is(environ: dict[str, str]) -> None:
    assert with_credentials(environ) == environ


def test_the_environment_itself_is_left_alone(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", given["CREDENTIALS_DIRECTORY"])
    assert with_credentials(os.environ)["SMTP_PASSWORD"]
    assert "SMTP_PASSWORD" not in os.environ
