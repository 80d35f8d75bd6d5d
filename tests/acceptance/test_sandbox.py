"""The main job works under the restrictions of the unit, with its secrets as systemd credentials."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from acceptance.bright_data import BrightData
from acceptance.harness import PROGRAM, TOKEN, Notifier
from acceptance.mail_servers import MailServer
from acceptance.receivers import Receiver, Slack, server_context
from notifier.brightdata.simulator import life as lives

CONFINED = Path(__file__).with_name("sandbox.py")
UNIT = Path(__file__).parents[2] / "systemd/notifier.service"

PASSWORD = "canary-mail-password"
SLACK_TOKENS = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
SIGNING_KEY = "whsec_Y2FuYXJ5LXNpZ25pbmcta2V5LWNhbmFyeQ=="

CONFIG = """\
api: {{base_url: {api}, requests_per_second: 100}}
state: sqlite:///{state}/notifier.db
channels:
  slack: ${{SLACK_URL}}
  mail: mailtos://robot:${{SMTP_PASSWORD}}@localhost:{port}?mode=starttls&from=robot@example.com&to=ops@example.com
  hook: {{webhook: {hook}, secret: "${{SIGNING_KEY}}", allow_private: true}}
defaults: {{every: 1s, notify: [slack, mail, hook], on: [ready]}}
watches: [{{snapshot: s_1, name: Prices}}]
include: [watches.d/*.yaml]
"""

FORBIDDEN = """\
import ctypes, mmap, os, socket, sys
def what(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "allowed"
libc = ctypes.CDLL(None, use_errno=True)
print(what(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)))
print(what(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)))
print(what(lambda: os.chroot(".")))
print(what(lambda: os.setpriority(os.PRIO_PROCESS, 0, 5)))
print("allowed" if libc.unshare(0x10000000) == 0 else "PermissionError")
print(next(line for line in open("/proc/self/status") if line.startswith("CapEff")).split()[1])
print(what(lambda: socket.socket(socket.AF_INET6)), what(lambda: open(sys.argv[1] + "/x", "w")))
"""


def test_what_the_unit_forbids_is_forbidden(tmp_path: Path) -> None:
    """The confinement of the other test is one: else that it works there would say nothing."""
    command = [sys.executable, str(CONFINED), str(UNIT), str(tmp_path), sys.executable, "-c", FORBIDDEN, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "PermissionError",
        "OSError",
        "PermissionError",
        "PermissionError",
        "PermissionError",
        "0" * 16,
        "allowed allowed",
    ]


@pytest.fixture
def confined(notifier: Notifier, tmp_path: Path) -> Notifier:
    """An installation that may do what the unit allows, and write to `state`."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    notifier.program = (sys.executable, str(CONFINED), str(UNIT), str(state), *PROGRAM)
    notifier.environment["CREDENTIALS_DIRECTORY"] = str(tmp_path / "credentials")
    return notifier


async def test_the_main_job_is_done_under_what_the_unit_restricts(
    api: BrightData, team: Receiver, confined: Notifier, tmp_path: Path
) -> None:
    """Slack through a proxy, mail and a signed webhook are told, a name is resolved, TLS is spoken, the configuration
    is reloaded by a process of its own, and the database is written; the secrets are credentials."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    (tmp_path / "watches.d").mkdir()
    (tmp_path / "credentials").mkdir()
    for name, secret in {
        "brightdata-token": TOKEN,
        "secret_SLACK_URL": f"slack://{SLACK_TOKENS}",
        "secret_SMTP_PASSWORD": PASSWORD,
        "secret_SIGNING_KEY": SIGNING_KEY,
    }.items():
        (tmp_path / "credentials" / name).write_text(f"{secret}\n", encoding="ascii")
    confined.secrets |= {PASSWORD, SLACK_TOKENS, SIGNING_KEY, SIGNING_KEY.removeprefix("whsec_")}
    api.add("s_1", lives.complete(seconds=60))
    api.add("s_2", lives.complete(seconds=60))
    async with (
        Slack(server_context(authority, Slack.HOST)).listening() as slack,
        MailServer(server_context(authority, "localhost"), "robot", PASSWORD).listening() as mail,
    ):
        hook = team.web_url.replace("127.0.0.1", "localhost")
        config = CONFIG.format(api=api.url, state=tmp_path / "state", port=mail.port, hook=hook)
        confined.config.write_text(config, encoding="utf-8")
        confined.environment |= {
            "HTTPS_PROXY": slack.proxy,
            "REQUESTS_CA_BUNDLE": str(tmp_path / "authority.pem"),
            "SSL_CERT_FILE": str(tmp_path / "authority.pem"),
        }
        daemon = await confined.daemon()
        (tmp_path / "watches.d/more.yaml").write_text("watches: [{snapshot: s_2, name: More}]\n", encoding="ascii")
        os.kill(daemon.pid, signal.SIGHUP)
        await daemon.wait_for_log("transition.committed", snapshot="s_2")
        api.advance(60)
        async with asyncio.timeout(60):
            await slack.posts.count(1)
            await mail.mails.count(1)
            await team.received.count(2)
            for channel in ("slack", "mail", "hook"):
                await daemon.wait_for_log("delivery.delivered", channel=channel)
        assert (await daemon.stop()).status == 0
    assert (tmp_path / "state/notifier.db").stat().st_mode & 0o777 == 0o600
    assert not confined.database.exists()
