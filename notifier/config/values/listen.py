"""The address of the status page, `HOST:PORT`."""

import ipaddress
import re

from notifier.config.values.text import text
from notifier.config.yaml.interpolation import is_unset

OFF = "off"
DEFAULT = "127.0.0.1:8787"

_ADDRESS = re.compile(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>[0-9]{1,5})")
_AS_IN = f'as in `{DEFAULT}` or `"[::1]:8787"`'


def parse(address: str) -> tuple[str, int]:
    """Parse the host and the port. An IPv6 host must be in brackets.

    Raises:
        ValueError: it is no such address; the text says what to write.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ValueError(f"an address and a port are expected here, {_AS_IN}, or `{OFF}`")
    host, port = found["host"] if found["six"] is None else found["six"], int(found["port"])
    if port > 65_535:
        raise ValueError("a port is a number up to 65535")
    if not (_is_ip(host, 4) or host == "localhost" if found["six"] is None else _is_ip(host, 6)):
        raise ValueError(f"an IP address or `localhost` is expected before the port, {_AS_IN}")
    return host, port


def _is_ip(host: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(host).version == version
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host: an IP address, `localhost` or a name below it (RFC 6761)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address(value: object) -> str:
    """Validate an address with its port, or `off`."""
    if value is False:
        raise ValueError(f"write `{OFF}`, or an address such as `{DEFAULT}`")
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 65_535:
        raise ValueError(f"an address is expected before the port: write `127.0.0.1:{value}`")
    checked = text(value)
    if is_unset(checked):
        return OFF
    checked = checked.strip()
    if checked != OFF:
        parse(checked)
    return str(checked)
