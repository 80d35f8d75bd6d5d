"""`notifier watch show`: what others wrote is one line, and controls no terminal."""

from pathlib import Path

from support.commands import Run
from support.histories import add_snapshot, written


def test_an_error_message_cannot_forge_a_line_or_turn_the_text_around(run: Run, config: Path) -> None:
    with written(config.parent / "notifier.db") as connection:
        add_snapshot(connection, "s_1", status="failed", error_message="no proxy\x1b[2J\nstatus: ready\u202e")
    ended = run("watch", "show", "s_1")
    assert (ended.exit_code, "error message: no proxy [2J status: ready \n" in ended.stdout) == (0, True), ended.output
    assert [line for line in ended.stdout.splitlines() if line.startswith("status:")] == ["status: failed"]
