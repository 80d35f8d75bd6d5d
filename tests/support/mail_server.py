"""A real mail server, exim from Debian, which takes connections at a free port and delivers into a folder.

Each connection gets a process of its own (`exim4 -bs`, as inetd starts it), so no daemon has to be
awaited or stopped.
"""

import asyncio
import contextlib
import email
import email.policy
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

_OWN_USER = "Debian-exim"
"""As which exim goes on when root starts it with a configuration of the caller's own."""

_SETTINGS = """
primary_hostname = localhost
spool_directory = {folder}/spool
log_file_path = {folder}/log/%s
deliver_drop_privilege = true
exim_user = {user}
exim_group = {group}
host_lookup =
keep_environment =
rfc1413_query_timeout = 0s
acl_smtp_rcpt = accept
acl_smtp_data = short_lines

begin acl
# As in Debian's own /etc/exim4/conf.d/acl/40_exim4-config_check_data.
short_lines:
  deny
    condition = ${{if > {{$max_received_linelength}}{{998}}}}
    message = maximum allowed line length is 998 octets, got $max_received_linelength
  accept

begin routers
everybody:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {folder}/mails
  maildir_format
  create_directory
  user = {user}
  group = {group}
"""


@dataclass
class MailServer:
    """A mail server that is at work, and what it delivered."""

    port: int
    folder: Path
    connections: set[asyncio.Task[None]] = field(default_factory=set)

    async def mails(self) -> list[EmailMessage]:
        """The mails of all connections so far, read after each of these has ended."""
        await asyncio.gather(*self.connections)
        paths = sorted((self.folder / "mails" / "new").glob("*"))
        return [email.message_from_bytes(each.read_bytes(), policy=email.policy.default) for each in paths]


def _prepare(folder: Path) -> Path:
    """Make the folders of a server, for the user that it runs as; its configuration."""
    owner = pwd.getpwnam(_OWN_USER) if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    for each in ("spool", "log", "mails"):
        (folder / each).mkdir()
        os.chown(folder / each, owner.pw_uid, owner.pw_gid)
    folder.chmod(0o711)  # that user passes it
    settings = folder / "exim.conf"
    settings.write_text(_SETTINGS.format(folder=folder, user=owner.pw_uid, group=owner.pw_gid))
    return settings


@contextlib.asynccontextmanager
async def exim() -> AsyncIterator[MailServer]:
    """A mail server that takes any mail whose lines have at most 998 octets."""
    command = shutil.which("exim4", path=f"{os.environ['PATH']}:/usr/sbin")
    assert command, "exim4 is missing: run tests/system-packages"
    with tempfile.TemporaryDirectory(prefix="notifier-mails-") as path, socket.create_server(("127.0.0.1", 0)) as port:
        folder = Path(path)
        settings = _prepare(folder)
        port.setblocking(False)
        side = MailServer(port=port.getsockname()[1], folder=folder)
        accepting = asyncio.create_task(_accept(port, [command, "-C", str(settings), "-odi", "-bs"], side))
        try:
            yield side
        finally:
            accepting.cancel()
            await asyncio.gather(accepting, *side.connections, return_exceptions=True)


async def _accept(port: socket.socket, command: list[str], side: MailServer) -> None:
    while True:
        connection, _ = await asyncio.get_running_loop().sock_accept(port)
        with connection:
            connection.setblocking(True)
            process = await asyncio.create_subprocess_exec(
                *command, stdin=connection.fileno(), stdout=connection.fileno(), stderr=subprocess.DEVNULL
            )
        side.connections.add(asyncio.create_task(_ended(process)))


async def _ended(process: asyncio.subprocess.Process) -> None:
    await process.wait()
