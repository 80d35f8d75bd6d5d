"""`--url`: the commands ask a notifier on another machine over its API, and print what they print on that machine."""

import asyncio
import json
import re

import pytest

from acceptance.api_daemon import TOKEN_OF_HTTP, started
from acceptance.harness import Notifier

SAME: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("watch", "list"),
    ("watch", "show", "Nightly"),
    ("watch", "show", "gd_1"),
    ("watch", "show", "gd_1/sd_0"),
    ("delivery", "list"),
    ("delivery", "list", "--state", "dead", "--limit", "2"),
    ("delivery", "list", "--watch", "Nightly", "--channel", "chat", "--since", "3650d"),
    ("delivery", "list", "--event", "evt_0000000000000001"),
    ("delivery", "show", "2"),
    ("delivery", "show", "evt_0000000000000001"),
    ("channel", "list"),
)
"""Commands that only read."""

REFUSED: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (("watch", "show", "Nightlie"), 2, "there is no watch 'Nightlie'; did you mean 'Nightly'?"),
    (("watch", "mute", "Prices"), 2, "several watches are called 'Prices'"),
    (("watch", "show", "gd_1/sd_none"), 1, "the watch gd_1 has not found a snapshot 'sd_none'"),
    (("delivery", "show", "9999"), 1, "there is no delivery 9999; `notifier delivery list` shows all"),
    (("delivery", "retry", "9999"), 1, "there is no delivery 9999, so nothing was sent again"),
    (("delivery", "retry", "--dead", "--channel", "chta"), 2, "there is no channel 'chta'; did you mean 'chat'?"),
    (("delivery", "show", "evt_f"), 1, "there is no event evt_f"),
    (("channel", "test", "chta"), 2, "there is no channel 'chta'; did you mean 'chat'?"),
)
"""What cannot be done: the command, its exit status and its words."""


def settled(text: str) -> str:
    """An output without what changes from poll to poll: times, answers, numbers of requests."""
    timeless = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|(\d+|no) requests? in|null|\"connection\"", "*", text)
    return re.sub(r"\s+-?|\"\*\"", " ", re.sub(r"[*-] \(connection\)", "*", timeless)).replace(" *", "")


async def test_they_print_the_same_and_end_alike(notifier: Notifier, tmp_path_factory: pytest.TempPathFactory) -> None:
    _, address = await started(notifier, TOKEN_OF_HTTP)
    async with asyncio.timeout(60):  # until the first polls are noted: what is shown changes with them
        while any(each["next_poll"] is None for each in await notifier.json("status") if each.get("status") != "ready"):
            continue
    elsewhere = Notifier(tmp_path_factory.mktemp("elsewhere"))
    (elsewhere.folder / "token").write_text(f"{TOKEN_OF_HTTP}\n")
    elsewhere.environment |= {"NOTIFIER_URL": address}
    for words in SAME:
        for more in ((), ("--json",)):
            here = await notifier.command(*words, *more)
            there = await elsewhere.command(*words, *more, "--token-file", "token")
            assert (there.status, settled(there.stdout)) == (here.status, settled(here.stdout)), words
            assert settled(there.stderr) == settled(here.stderr), words
            assert here.status == 0
    for words, status, text in REFUSED:
        here = await notifier.command(*words)
        there = await elsewhere.command(*words, "--token-file", "token")
        assert (here.status, there.status) == (status, status), (here, there)
        assert text in here.stderr
        assert text in there.stderr
    await elsewhere.close()


async def test_they_mute_and_retry_and_check_the_health(notifier: Notifier) -> None:
    daemon, address = await started(notifier, TOKEN_OF_HTTP)
    notifier.environment |= {"NOTIFIER_URL": address, "NOTIFIER_TOKEN": TOKEN_OF_HTTP}
    config = notifier.config.rename(notifier.folder / "away.yaml")
    muted = await notifier.command("watch", "mute", "Nightly", "--for", "2h", "--json")
    assert json.loads(muted.stdout)["muted"] == "s_1"
    status = await notifier.json("status")
    assert {each["watch"]: each["muted"] for each in status}["s_1"]
    unmuted = await notifier.command("watch", "unmute", "Nightly")
    assert (unmuted.status, unmuted.stdout) == (0, "Nightly is no longer muted.\n")
    retried = await notifier.command("delivery", "retry", "2")
    assert (retried.status, retried.stdout) == (0, "1 delivery will be sent again.\n")
    tested = await notifier.command("channel", "test", "chat", "--event", "failed")
    assert (tested.status, tested.stderr.startswith("chat: not delivered, ")) == (1, True), tested
    health = await notifier.command("healthcheck", "--json")
    assert (health.status, json.loads(health.stdout)["watches"]) == (0, 4), health
    config.rename(notifier.config)
    assert daemon.alive


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("--token", "wrong-token-0123456789"), 1, "it refuses the token, or needs one: set NOTIFIER_TOKEN"),
        ((), 1, "it refuses the token, or needs one: set NOTIFIER_TOKEN"),
        (("--token-file", "none"), 2, "--token-file: none: the file cannot be read"),
        (("--config", "config.yaml"), 2, "--url and --config: give one of them"),
        (("--token", "a", "--token-file", "b"), 2, "--token and --token-file: give one of them"),
    ],
)
async def test_what_is_wrong_with_the_access_is_said_in_words(
    notifier: Notifier, arguments: tuple[str, ...], status: int, text: str
) -> None:
    _, address = await started(notifier, TOKEN_OF_HTTP)
    ended = await notifier.command("status", "--url", address, *arguments)
    assert (ended.status, ended.stdout) == (status, "")
    assert text in ended.stderr


async def test_a_command_that_needs_the_machine_itself_says_so(notifier: Notifier) -> None:
    for words in (("watch", "add", "s_9"), ("config", "check"), ("run",), ("replay",)):
        ended = await notifier.command(*words, "--url", "http://127.0.0.1:1")
        assert (ended.status, "needs the machine of the notifier itself" in ended.stderr) == (2, True), ended
