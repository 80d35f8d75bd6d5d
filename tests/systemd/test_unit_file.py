"""The services that are shipped are such that systemd takes them without a word."""

import re
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

ROOT = Path(__file__).parents[2]
SINGLE, MANY = ROOT / "systemd/notifier.service", ROOT / "systemd/notifier@.service"
SHIPPED = ROOT / "systemd/config.yaml"
PROGRAM = "/opt/notifier/bin/notifier"
README = (ROOT / "systemd/README.md").read_text(encoding="utf-8")


def run(*command: str | Path, **environment: str) -> CompletedProcess[str]:
    """What came of a command."""
    return subprocess.run(command, env=environment or None, capture_output=True, text=True, check=False)


@pytest.fixture(params=[(SINGLE, "notifier.service"), (MANY, "notifier@acme.service")], ids=["single", "many"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit as it is shipped, but for the program, which here is one that exists; of many an instance."""
    shipped: Path = request.param[0]
    text = shipped.read_text(encoding="utf-8")
    assert PROGRAM in text
    copy: Path = tmp_path / request.param[1]
    copy.write_text(text.replace(PROGRAM, sys.executable), encoding="utf-8")
    return copy


def test_systemd_has_nothing_to_say_against_the_unit(unit: Path) -> None:
    # It exits 0 on misspelt keys too, so what counts is that it says nothing.
    verified = run("systemd-analyze", "verify", unit)
    assert (verified.stderr, verified.returncode) == ("", 0)


def test_the_unit_is_hardened(unit: Path) -> None:
    # The threshold is in tenths: above 1.2 of 10 the command fails.
    rated = run("systemd-analyze", "security", "--offline=true", "--threshold=12", unit)
    assert rated.returncode == 0, rated.stdout[-300:]


def test_the_readme_says_how_the_unit_is_rated(unit: Path) -> None:
    rated = run("systemd-analyze", "security", "--offline=true", unit)
    found = re.search(r"exposure level for \S+: ([\d.]+)", rated.stdout)
    assert found
    assert f"rates it {found[1]} of 10" in README


def test_the_unit_of_many_is_the_single_one_with_places_and_a_user_of_its_own() -> None:
    text = SINGLE.read_text(encoding="utf-8")
    for single, many in (
        ("snapshots\n", "snapshots (%i)\n"),
        ("/etc/notifier/", "/etc/notifier/%i/"),
        ("/var/lib/notifier;", "/var/lib/notifier-%i;"),
        ("StateDirectory=notifier\n", "StateDirectory=notifier-%i\n"),
        ("DynamicUser=yes\n", "DynamicUser=yes\nUser=notifier-%i\n"),
    ):
        assert single in text, "the replacement is out of date"
        text = text.replace(single, many)
    assert MANY.read_text(encoding="utf-8") == text


def test_installing_takes_five_commands() -> None:
    """The last one stands alone: what is typed in between is the user's own, and a block is copied as a whole."""
    blocks = [block.strip().splitlines() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)]
    assert [len(block) for block in blocks] == [4, 1]
    assert blocks[1] == ["systemctl enable --now notifier"]


def test_a_second_one_has_a_port_of_its_own() -> None:
    (command,) = re.findall(r"^sed '(.*)' systemd/config.yaml >", README, re.MULTILINE)
    shipped = SHIPPED.read_text(encoding="utf-8")
    second = subprocess.run(["sed", command], input=shipped, capture_output=True, text=True, check=True).stdout
    ports = [re.findall(r"^http: 127.0.0.1:([0-9]+)", text, re.MULTILINE) for text in (shipped, second)]
    assert ports == [["8787"], ["8788"]]
    assert "sqlite:////var/lib/notifier-acme/" in second


def test_what_the_readme_lays_out_is_what_the_unit_reads() -> None:
    read = re.findall(r"^(?:LoadCredential=[\w-]+:|EnvironmentFile=-)(\S+)$", SINGLE.read_text(), re.MULTILINE)
    assert len(read) == 3
    for path in read:
        assert f"`{path}" in README


def test_the_shipped_configuration_is_right_when_its_secrets_are_there(tmp_path: Path) -> None:
    (tmp_path / "brightdata-token").write_text("a-token\n", encoding="ascii")
    (tmp_path / "secret_SLACK_URL").write_text("slack://TAAAAAAAA/BBBBBBBBB/" + "c" * 24 + "\n", encoding="ascii")
    command = (sys.executable, "-m", "notifier", "config", "check", "--config", ROOT / "systemd/config.yaml")
    checked = run(*command, CREDENTIALS_DIRECTORY=str(tmp_path), PYTHONPATH=str(ROOT))
    assert checked.returncode == 0
    made = "there is no folder /var/lib/notifier: systemd creates it when it starts the service"
    missing = [line for line in checked.stderr.splitlines() if made not in line]
    assert missing == [], "all but the folder that systemd makes for the service"
