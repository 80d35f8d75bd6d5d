"""The address of a client, also behind a reverse proxy on this machine."""

from starlette.datastructures import Headers
from starlette.types import Scope

from notifier.web.access.own_names import is_loopback_name


def client_address(scope: Scope) -> str:
    """Return the client's address: the last of `X-Forwarded-For` if a proxy on this machine sends it, else the peer's.

    Only programs on this machine can make it up.
    """
    peer = scope["client"][0] if scope.get("client") else ""
    forwarded = Headers(scope=scope).get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded[:64] if forwarded and is_loopback_name(f"[{peer}]") else peer
