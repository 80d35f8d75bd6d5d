"""The program as a user installs it: the wheel of this checkout in an environment of its own."""

import os
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from acceptance.conftest import api as api
from acceptance.conftest import team as team
from support.installation import ROOT, run


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built with what is here: the build system is one of the tools."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-index")
    paths = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    run(*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT, cwd=folder, **paths)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
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
