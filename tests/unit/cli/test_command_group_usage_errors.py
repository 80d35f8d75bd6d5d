"""A usage error is one sentence, in the form of all errors, with a suggestion."""

from pathlib import Path

import pytest
from support.commands import Run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("statsu", "there is no command 'notifier statsu'; did you mean 'status'?"),
        ("watch lst", "there is no command 'notifier watch lst'; did you mean 'list'?"),
        ("watch frobnicate", "there is no command 'notifier watch frobnicate'; see `notifier watch --help`"),
        ("wait s_1 --timout 3s", "there is no option '--timout'; did you mean '--timeout'?"),
        ("wait s_1 --frobnicate", "there is no option '--frobnicate'; see `notifier wait --help`"),
        ("--json status", "there is no option '--json' before the command: write it after the command; see"),
        ("wait", "SNAPSHOT is missing; see `notifier wait --help`"),
        ("trigger gd_1", "--input is missing; see `notifier trigger --help`"),
        ("delivery list --limit 0", "--limit: '0' is too small: at least 1; see `notifier delivery list --help`"),
        ("delivery list --limit -7", "--limit: '-7' is too small: at least 1; see `notifier delivery list --help`"),
        ("delivery list --limit 9999999", "--limit: '9999999' is too large: at most 1,000,000; see"),
        ("delivery list --limit 1.5", "--limit: '1.5' is not a whole number; see"),
        ("simulate --speed x", "--speed: 'x' is not a number; see"),
        ("run --log-level eror", "--log-level: 'eror' is not one of 'debug', 'info', 'warning', 'error'; did you"),
        ("status extra", "got unexpected extra argument(s) (extra); see `notifier status --help`"),
        ("--config x.yaml init", "`notifier init` takes no --config"),
    ],
)
def test_a_usage_error_is_one_sentence_with_exit_status_2(run: Run, arguments: str, said: str) -> None:
    ended = run(*arguments.split())
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"notifier: {said}"), ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_command_without_arguments_shows_its_help(run: Run) -> None:
    ended = run("watch")
    assert ended.exit_code == 2
    assert "notifier watch [OPTIONS] COMMAND" in " ".join(ended.output.split())


def test_config_may_precede_or_follow_the_command(run: Run, config: Path, tmp_path: Path) -> None:
    """What stands after the command counts most, then what stands before it, then the environment."""
    elsewhere = config.rename(tmp_path / "elsewhere.yaml")
    shown = run("--config", str(elsewhere), "config", "show")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert run("--config", "nowhere.yaml", "config", "show", "--config", str(elsewhere)).stdout == shown.stdout
    assert run("-c", str(elsewhere), "config", "show", NOTIFIER_CONFIG="nowhere.yaml").stdout == shown.stdout
    assert run("config", "show", NOTIFIER_CONFIG=str(elsewhere)).stdout == shown.stdout
    assert run("--config", "nowhere.yaml", "config", "show").exit_code == 2


@pytest.mark.parametrize(
    "command",
    [
        ["wait", "ID"],
        ["wait", "s_1", "ID"],
        ["download", "ID"],
        ["watch", "add", "ID"],
        ["watch", "add", "--dataset", "ID"],
        ["trigger", "ID", "--input", "-"],
        ["delivery", "list", "--snapshot", "ID"],
        ["simulate", "--dataset", "ID"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "it is empty"),
        ('"sd_1"', "`jq -r` prints it so"),
        ("null", "`jq`"),
        ("sd_1\r", "carriage return"),
        ("https://example.com/sd_12345", "its last part is sd_12345"),
        ("sd_1 sd_2", "several ids as several words"),
        ("..", "folders"),
        ("sd_1/../x", "no slash"),
        ("sd\x1b_1", "control character"),
        ("s" * 5_000, "5,000 characters"),
    ],
)
def test_an_argument_that_cannot_be_an_id_is_refused(
    run: Run, config: Path, command: list[str], given: str, said: str
) -> None:
    """Nothing is asked, written or waited for; the sentence stays on one line of ordinary length."""
    before = sorted(config.parent.rglob("*"))
    ended = run(*(given if word == "ID" else word for word in command), stdin="url\nx\n")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "cannot be an id: " in ended.stderr
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert len(ended.stderr) < 300
    assert sorted(config.parent.rglob("*")) == before


def test_a_misspelt_event_gets_the_warning_of_config_check(run: Run, config: Path) -> None:
    """`watch add` writes it, for the API may say any word, and says what was probably meant."""
    added = run("watch", "add", "s_9", "--on", "faild")
    assert added.exit_code == 0, added.output
    assert (
        "'faild' is no known event, and matches only if the API uses this word; did you mean 'failed'?" in added.stderr
    )
    checked = run("config", "check")
    assert (
        "'faild' is no known event, and matches only if the API uses this word; did you mean 'failed'?"
        in checked.stderr
    )
    assert run("watch", "add", "s_8", "--on", "failed").stderr == ""
