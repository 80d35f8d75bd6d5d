"""The process that reads a configuration, forked by `fork_server.py` instead of started.

Runs beside the daemon under test, asks the server for the fork, and ends with its status. The argument is the address
of the server. The fork has the streams, the folder and the environment of this process. It ends, as always, when its
standard input ends, also if this process is killed.
"""

import json
import os
import signal
import socket
import sys


def main() -> None:
    """Ask, wait, and end in the same way."""
    reading, writing = os.pipe()
    request = {"arguments": [], "folder": os.getcwd(), "environment": dict(os.environ), "reads": True}  # noqa: PTH109
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(sys.argv[1].replace("@", "\0"))
        socket.send_fds(server, [json.dumps(request).encode()], [0, 1, 2, writing])
    for each in (0, 1, writing):
        os.close(each)
    with open(reading, encoding="ascii") as pipe:  # noqa: PTH123 - a descriptor; pathlib takes as long as all else
        status = os.waitstatus_to_exitcode(int(pipe.read()))
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


main()
