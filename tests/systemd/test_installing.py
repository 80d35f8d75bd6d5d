"""What is installed is the whole program: the wheel of this checkout works in an environment of its own."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
SECRETS = {"BRIGHTDATA_API_KEY": "a-token", "SLACK_URL": "slack://TAAAAAAAA/BBBBBBBBB/" + "c" * 24}


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a command that must succeed prints. Nothing of this checkout is in its reach but by `cwd`."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), **environment}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built with what is here: the build system is one of the tools."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-index")
    paths = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    run(*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT, cwd=folder, **paths)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel in it; what it depends on is lent by the environment of the tests."""
    home = tmp_path_factory.mktemp("opt") / "notifier"
    venv.create(home, with_pip=False)
    python = home / "bin/python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--no-index", "--no-deps", wheel, cwd=home)
    (place,) = home.glob("lib/python*/site-packages")
    (place / "lent.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return home


def test_the_wheel_holds_every_file_of_the_program(wheel: Path) -> None:
    """Migrations, schemas and templates too, which no import would miss."""
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {path for path in (ROOT / "notifier").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert held == {str(path.relative_to(ROOT)) for path in files}
    assert {Path(name).suffix for name in held} > {".py", ".yaml", ".json", ".mako"}


def test_the_installed_program_begins_as_the_readme_says(installed: Path, tmp_path: Path) -> None:
    """`--version`, `init`, `config check`, `config schema`: from the files of the wheel, and no others."""
    program = installed / "bin/notifier"
    where = run(installed / "bin/python", "-c", "import notifier; print(notifier.__file__)", cwd=tmp_path)
    assert Path(where).is_relative_to(installed)
    assert run(program, "--version", cwd=tmp_path).startswith("notifier ")
    run(program, "init", cwd=tmp_path)
    run(program, "config", "check", cwd=tmp_path, **SECRETS)
    assert json.loads(run(program, "config", "schema", cwd=tmp_path))["type"] == "object"


def test_the_constraints_satisfy_what_the_program_asks_for(installed: Path) -> None:
    """The packages lent are those of constraints.txt, which is what an installation gets."""
    pip = (sys.executable, "-m", "pip", "--python", installed / "bin/python", "--disable-pip-version-check")
    assert "No broken requirements" in run(*pip, "check", cwd=installed)
    listed = json.loads(run(*pip, "list", "--format", "json", cwd=installed))
    have = {each["name"].lower().replace("_", "-"): each["version"] for each in listed}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    pinned = {name.lower().replace("_", "-"): version for name, _, version in (line.partition("==") for line in lines)}
    assert {name: version for name, version in have.items() if pinned.get(name, version) != version} == {}
