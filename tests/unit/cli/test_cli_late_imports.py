"""Commands import heavy modules only when they need them, so that `--help` and small checks answer at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

WEB = {"fastapi", "starlette", "uvicorn", "httptools"}
HEAVY = {"apprise", "sqlalchemy", "httpx", "aiohttp", "apscheduler", "prometheus_client", *WEB}

PROGRAM = """\
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
sys.argv = ["notifier", *sys.argv[1:]]
from notifier.cli import main
main()
"""


def imported_by(*arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr))


@pytest.mark.parametrize("arguments", [["--help"], ["config", "--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    assert imported_by(*arguments).isdisjoint({*HEAVY, "yaml", "jinja2", "alembic"})


def test_checking_a_configuration_without_apprise_channels_imports_no_library_that_sends(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("""\
api: {token: t0ken}
channels: {hook: {webhook: "https://example.com/hooks", secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}}
watches: [{snapshot: s_1, notify: hook}]
""")
    assert imported_by("config", "check", "--config", str(file)).isdisjoint({*HEAVY, "asyncio", "jinja2", "alembic"})


def test_the_daemons_side_of_loading_imports_no_schema() -> None:
    program = "import json, sys; import notifier.app.loading.loading_process; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)).isdisjoint({*HEAVY, "pydantic", "yaml"})


def test_the_daemon_imports_no_server_as_long_as_http_is_off() -> None:
    """And no schema: FastAPI is half of what the daemon would import."""
    program = "import json, sys; import notifier.app.daemon; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)).isdisjoint({*WEB, "aiohttp.web", "pydantic"})
