"""`notifier trigger` asks for a hint where one can arrive, and shows its secret to nobody."""

import json
from pathlib import Path

import pytest
from support.canned_server import canned
from support.commands import Run

SECRET = "h00k-s3cret-0123456789abcdef"
COMMAND = ("trigger", "gd_1", "--no-watch", "--input", "-")
INPUT = '[{"url": "https://a"}]'
HOOKS = f"hooks: {{secret: [{SECRET}, old-{SECRET}]}}\n"
HTTP = "http: {public_url: 'https://notifier.example.com/sub/'}\n"


def query(run: Run, tmp_path: Path, sections: str, *options: str) -> dict[str, str]:
    (tmp_path / "config.yaml").write_text("api: {token: a-token-of-tests}\n" + sections)
    ended = run(*COMMAND, "--dry-run", "--json", *options, stdin=INPUT)
    assert ended.exit_code == 0, ended.stderr
    assert SECRET not in ended.output
    found: dict[str, str] = json.loads(ended.stdout)["query"]
    return found


def test_the_newest_secret_is_passed_on(run: Run, tmp_path: Path) -> None:
    found = query(run, tmp_path, HTTP + HOOKS)
    assert found == {"dataset_id": "gd_1", "notify": "https://notifier.example.com/sub/hooks/brightdata/***"}


@pytest.mark.parametrize(
    ("sections", "options"),
    [
        (HTTP, ()),
        (HOOKS, ()),
        ("http: off\n" + HOOKS, ()),
        (HTTP + HOOKS, ("--no-notify",)),
        (HTTP + HOOKS, ("--scrape",)),
        (HTTP + "hooks: {secret: '${UNSET_SECRET}'}\n", ()),
    ],
)
def test_no_hint_is_asked_for_where_none_can_arrive_or_none_is_wanted(
    run: Run, tmp_path: Path, sections: str, options: tuple[str, ...]
) -> None:
    assert "notify" not in query(run, tmp_path, sections, *options)


@pytest.mark.parametrize("options", [("--notify-url", "https://x/y"), ("--param", "notify=https://x/y")])
def test_an_address_of_the_user_comes_first(run: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    assert query(run, tmp_path, HTTP + HOOKS, *options)["notify"] == "https://x/y"


@pytest.mark.parametrize("as_json", [True, False])
def test_a_refusal_that_quotes_the_address_shows_no_secret(run: Run, tmp_path: Path, as_json: bool) -> None:
    with canned() as server:
        (tmp_path / "config.yaml").write_text(
            f"api: {{token: a-token-of-tests, base_url: '{server.url}'}}\n" + HTTP + HOOKS
        )
        server.answer(400, json.dumps({"error": f"notify must not be https://notifier.example.com/{SECRET}"}))
        ended = run(*COMMAND, *(["--json"] if as_json else []), stdin=INPUT)
        ((_, path, _),) = server.asked
    assert path.endswith(f"/hooks/brightdata/{SECRET}")
    assert ended.exit_code == 1
    assert "notify must not be" in ended.output
    assert SECRET not in ended.output
