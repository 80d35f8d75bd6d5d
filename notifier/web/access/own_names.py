"""The names by which this machine's loopback is asked. Pure."""

import ipaddress


def is_own_name(host: str | None) -> bool:
    """Return whether a `Host` header, with or without a port, names this machine's loopback.

    A client that sends none (HTTP/1.0) is no browser.
    """
    if host is None:
        return True
    name = host.strip().lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
