"""Tells systemd how the service is (sd_notify(3)): a datagram to the socket that it named, if it named one."""

import os
import socket


def notify(*assignments: str) -> None:
    """Send assignments such as `READY=1`. Without a service manager, or when it does not listen, nothing happens.

    An abstract socket's name starts with `@` in the environment, with NUL on the wire (sd_notify(3)).
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.connect(address)
            channel.sendall("\n".join(assignments).encode())
    except OSError:
        # The service manager's own timeout speaks if it misses us; the work must not stop for it.
        return
