"""A folder with a configuration in it, and what loading it gives."""

from collections.abc import Callable
from pathlib import Path

import pytest

from notifier.config.load import Checks, load
from notifier.config.model import Config
from notifier.core.errors import ConfigurationRefused

ENVIRON = {
    "TOKEN": "tok-123",
    "TEAM_URL": "slack://TokenA123/TokenB456/TokenC789",
    "EMPTY": "",
    "PLAIN": "plain",
    "SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}
"""The variables that every test has."""

ROOT = """\
api: {token: "${TOKEN}"}
channels: {team: "${TEAM_URL}", ops: json://localhost}
"""
"""The least that watches need; tests add their lines from the third on."""

Loader = Callable[..., Config]
Refusal = Callable[..., list[str]]


def check_url(url: str) -> str | None:
    """Stands in for Apprise: it knows a few schemes, and gives the URL away in its answer."""
    return None if url.startswith(("slack://", "json://", "mailtos://")) else f"Apprise does not know {url}"


def check_template(source: str) -> str | None:
    """Stands in for Jinja2: it knows one kind of error, and quotes the line it is in."""
    for number, line in enumerate(source.split("\n"), 1):
        if "{%" in line:
            return f"line {number}: no such tag in {line}"
    return None


def check_webhook(url: str, allow_private: bool) -> str | None:
    """Stands in for the channel: it knows one private address, and gives it away in its answer."""
    return f"a private address in {url}" if "//10." in url and not allow_private else None


CHECKS = Checks(url=check_url, template=check_template, webhook=check_webhook)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one, so that errors name files without their folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def loaded(folder: Path) -> Loader:
    """Write the text to config.yaml and load it, with more variables if given."""

    def load_text(text: str | bytes, **environ: str) -> Config:
        content = text if isinstance(text, bytes) else text.encode()
        (folder / "config.yaml").write_bytes(content)
        return load(
            Path("config.yaml"),
            environ={**ENVIRON, **environ},
            checks=CHECKS,
        )

    return load_text


@pytest.fixture
def refused(loaded: Loader) -> Refusal:
    """Write the text to config.yaml, expect that loading it is refused, and give the lines a user reads."""

    def lines(text: str | bytes, **environ: str) -> list[str]:
        with pytest.raises(ConfigurationRefused) as refusal:
            loaded(text, **environ)
        return [str(problem) for problem in refusal.value.problems]

    return lines


@pytest.fixture
def root() -> str:
    """Two lines with a token and the channels `team` and `ops`."""
    return ROOT
