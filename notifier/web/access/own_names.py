"""The names and origins that are this daemon's own. Pure."""

import ipaddress
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def is_loopback_name(host: str | None) -> bool:
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


def origin_of(url: str) -> str | None:
    """Return scheme, host and port of a URL, as browsers compare them; None if it has none, as the origin `null`."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.hostname is None or port is None:
        return None
    return f"{parts.scheme}://{parts.hostname}:{port}"


def is_same_host(origin: str, host: str | None) -> bool:
    """Return whether the `Origin` of a request is the `Host` that it was sent to; a proxy may have taken away https."""
    scheme = urlsplit(origin).scheme if origin_of(origin) else ""
    return host is not None and bool(scheme) and origin_of(origin) == origin_of(f"{scheme}://{host.strip()}")
