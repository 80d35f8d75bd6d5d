"""`notifier config diff` prints the daemon's answer as lines."""

from typing import Any

import pytest
from typer.testing import CliRunner

from notifier.cli import app
from notifier.control import client
from notifier.control.protocol import Diff

NOTHING: dict[str, Any] = {
    **dict.fromkeys(("added", "removed", "changed"), ()),
    **dict.fromkeys(("added_total", "removed_total", "changed_total"), 0),
}
SOME = {
    "channels": {
        **NOTHING,
        "changed": [{"name": "team", "changes": [{"key": "url", "before": "slack://***", "after": "slack://***"}]}],
        "changed_total": 1,
    },
    "watches": {**NOTHING, "added": ["s_1"], "added_total": 3, "removed": ["s_2"], "removed_total": 1},
    "keys": [{"key": "operators", "before": [], "after": ["team"]}, {"key": "state", "before": "a", "after": None}],
    "restart": ["state"],
}


@pytest.mark.parametrize(
    ("answer", "status", "lines"),
    [
        (
            SOME,
            0,
            [
                "~ channel team",
                "    url: slack://*** → slack://***",
                "+ watch s_1",
                "- watch s_2",
                "+ and 2 more of this kind (watch)",
                '~ operators: [] → ["team"]',
                "~ state: a → (none)",
                "A reload does not change state: restart the notifier for that.",
            ],
        ),
        (
            {"channels": NOTHING, "watches": NOTHING, "keys": [], "restart": []},
            0,
            ["A reload would change nothing."],
        ),
        (
            {"problems": ["config.yaml:1:1: wrong"]},
            2,
            ["config.yaml:1:1: wrong", "A reload would be refused: the running configuration would stay."],
        ),
    ],
)
def test_each_difference_is_a_line(
    answer: dict[str, Any], status: int, lines: list[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    async def ask(database: object, request: object) -> dict[str, Any]:
        asked.append((database, request))
        return answer

    monkeypatch.setattr(client, "ask", ask)
    file = tmp_path / "config.yaml"
    file.write_text("api: {token: t0ken}\n")
    result = CliRunner().invoke(app, ["config", "diff", "--config", str(file)])
    assert result.exit_code == status
    assert result.output.splitlines() == lines
    assert asked == [(tmp_path / "notifier.db", Diff())]
