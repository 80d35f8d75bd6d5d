"""Which notifier a command asks, with which token: `--url`, `--token`, `--token-file` and their variables."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.canned_server import Canned, canned
from support.commands import Run

NODE = '{"items": [], "next": null}'
TOKEN = "canary-token-of-a-page"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Canned]:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NOTIFIER_URL", "NOTIFIER_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with canned() as running:
        running.answer(200, NODE, Notifier_Version="0")
        yield running


def asked_with(server: Canned) -> list[str | None]:
    """The `Authorization` of each request."""
    return [headers.get("Authorization") for headers in server.headers]


@pytest.mark.parametrize("how", ["option", "variable", "file", "standard input", "none"])
def test_the_token_comes_from_an_option_a_variable_a_file_or_standard_input(
    run: Run, server: Canned, tmp_path: Path, how: str
) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    words: list[str] = {
        "option": ["--token", TOKEN],
        "file": ["--token-file", "token"],
        "standard input": ["--token-file", "-"],
    }.get(how, [])
    given = f"{TOKEN}\n" if how == "standard input" else None
    variables = {"NOTIFIER_TOKEN": TOKEN} if how == "variable" else {}
    done = run("channel", "list", "--json", "--url", server.url, *words, stdin=given, **variables)
    assert (done.exit_code, json.loads(done.stdout)) == (0, []), done.output
    assert asked_with(server) == [None if how == "none" else f"Bearer {TOKEN}"]


def test_a_token_file_on_the_command_line_wins_over_a_token_of_the_environment(
    run: Run, server: Canned, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("a-token-of-the-file")
    run("channel", "list", "--token-file", "token", NOTIFIER_URL=server.url, NOTIFIER_TOKEN=TOKEN)
    assert asked_with(server) == ["Bearer a-token-of-the-file"]


def test_a_configuration_on_the_command_line_wins_over_an_address_of_the_environment(
    run: Run, server: Canned, config: Path
) -> None:
    for words in (("watch", "list", "--config", str(config)), ("--config", str(config), "watch", "list")):
        done = run(*words, NOTIFIER_URL=server.url)
        assert (done.exit_code, "Prices" in done.stdout) == (0, True)
    assert server.asked == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--token", TOKEN], "--token needs --url"),
        (["--token-file", "token"], "--token-file needs --url"),
        (["--url", "http://127.0.0.1:1", "--token", "to ken"], "--token: a token has only printable ASCII"),
        (["--url", "http://127.0.0.1:1", "--token-file", "-"], "--token-file: standard input: "),
        (["--url", "127.0.0.1:8787"], "--url: '127.0.0.1:8787' is not an address"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_words(run: Run, words: list[str], text: str) -> None:
    done = run("status", *words, stdin="")
    assert (done.exit_code, text in done.stderr) == (2, True), done.stderr
    assert TOKEN not in done.output


def test_a_token_that_crosses_a_network_in_clear_is_warned_of(run: Run, server: Canned) -> None:
    """It goes through the proxy of the environment, which is asked for the whole address."""
    done = run("channel", "list", "--url", "http://notifier.example.com", "--token", TOKEN, HTTP_PROXY=server.url)
    assert done.stderr.startswith("warning: the token is sent unencrypted: use https://")
    assert (done.exit_code, TOKEN in done.output) == (0, False)
    assert [path for _, path, _ in server.asked] == ["http://notifier.example.com/api/v1/channels?limit=1000"]
