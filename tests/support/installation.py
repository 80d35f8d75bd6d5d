"""Runs commands as a user does who installs the program."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a command that must succeed prints. Nothing of this checkout is in its reach but by `cwd`."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), **environment}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
