"""What is installed is the whole program: the wheel of this checkout works in an environment of its own."""

import json
import sys
from pathlib import Path
from zipfile import ZipFile

from support.installation import ROOT, run

SECRETS = {"BRIGHTDATA_API_KEY": "a-token", "SLACK_URL": "slack://TAAAAAAAA/BBBBBBBBB/" + "c" * 24}


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
