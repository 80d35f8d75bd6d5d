"""Any value of any argument or option ends with a sentence: no command hangs or prints a traceback."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from support.canned_server import Canned
from support.commands import Run

from notifier.app.demo import DemoOutcome
from notifier.cli import app

ODD = ("", "\x1b[31m", "\udcff", "-1", "9" * 400, "1e999", "..", "%s{}[red]${X}", "99999999999d", "x" * 20_000)
"""Empty, control characters, no UTF-8, numbers and durations out of range, paths, formats, names that are too long."""

STATUSES = {0, 1, 2, 3, 4, 5}


def leaves(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from leaves(each, (*path, name))
        else:
            yield (*path, name), each


def parameters() -> Iterator[Any]:
    """Each command's path with each of its parameters that takes a value."""
    for path, command in leaves(typer.main.get_command(app)):
        for param in command.params:
            known = param.name == "config" and path != ("status",)  # the same in every command
            if not getattr(param, "is_flag", False) and param.name != "help" and not known:
                yield pytest.param(path, param, id=f"{' '.join(path)} {param.name}")


def arguments(command: Any, odd: Any, value: str) -> list[str]:
    """Return the arguments of a command: the given value for one, and usual values for the required others."""
    words: list[str] = []
    for param in command.params:
        usual = "in.csv" if param.name == "inputs" else "s_1"
        if param.name == odd.name:
            words += [max(param.opts, key=len), value] if param.param_type_name == "option" else ["--", value]
        elif param.required:
            words[:0] = [max(param.opts, key=len), usual] if param.param_type_name == "option" else [usual]
    return words


@pytest.fixture
def installation(config: Path, bright_data: Canned, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration whose Bright Data refuses the token; what would run on ends at once."""
    text = config.read_text().replace(
        "token: a-token-of-tests", f"token: a-token-of-tests, base_url: '{bright_data.url}'"
    )
    config.write_text(text)
    (config.parent / "in.csv").write_text("url\nx\n")
    bright_data.answer(401, "Credentials are missing")

    async def ends(*_: Any, **__: Any) -> Any:
        return DemoOutcome(right=True)

    monkeypatch.setattr("notifier.cli.api_session.REQUESTS_PER_SECOND", 10_000.0)
    monkeypatch.setattr("notifier.polling.waiter.REFUSAL_PAUSE", timedelta(0))
    monkeypatch.setattr("notifier.app.daemon.run_until_signalled", ends)
    monkeypatch.setattr("notifier.app.demo.demo", ends)
    monkeypatch.setattr("notifier.brightdata.simulator.serve", ends)
    return config


@pytest.mark.parametrize(("path", "odd"), list(parameters()))
def test_any_argument_is_accepted_or_refused_with_a_sentence(
    run: Run, installation: Path, path: tuple[str, ...], odd: Any
) -> None:
    command = dict(leaves(typer.main.get_command(app)))[path]
    for value in ODD:
        ended = run(*path, *arguments(command, odd, value))
        assert ended.exit_code in STATUSES, (value, ended.output)
        assert "Traceback" not in ended.output
        assert "bug in notifier" not in ended.output
        assert "\x1b[31m" not in ended.output, value
        if ended.exit_code == 2:
            assert ended.stderr.strip(), value
            assert len(ended.stderr) < 5_000, value
