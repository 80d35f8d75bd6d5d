"""Access control: a bearer token, or without one a loopback `Host` header (against DNS rebinding)."""

import hmac
import ipaddress

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from notifier import __version__
from notifier.core.isolation import Faults
from notifier.core.work_units import Unit
from notifier.failpoints import fault

PUBLIC = frozenset({"/healthz"})
"""Paths without access control: they say only that the daemon lives."""

_HEADERS = {
    hdrs.SERVER: f"notifier/{__version__}",
    hdrs.CACHE_CONTROL: "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

_NO_TOKEN = "the token is missing or wrong: send `Authorization: Bearer TOKEN`, the token of `http:`\n"
_OTHER_NAME = (
    "Only 127.0.0.1, [::1] and localhost are answered here, so that no web page can read this through a name of its "
    "own. A proxy has to send one of these as the `Host`, or `http:` gets a `token:`.\n"
)


def guard(token: str | None, faults: Faults) -> Middleware:
    """Return a middleware that refuses requests without access, and answers every failure in words.

    Args:
        token: the bearer token. Without one the address is loopback, and a stranger's web page could make a browser
            ask here through a name that it has pointed to this address (DNS rebinding): `Host` is checked.
        faults: is notified of what a handler raised.
    """

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = _refusal(request, token) or await _answered(request, handler)
        except web.HTTPException as error:
            response = web.Response(status=error.status, text=f"{error.reason}; / says what there is\n")
        except Exception as error:  # noqa: BLE001 - one request must not end the daemon, nor show a traceback
            faults.note(Unit.PAGE, request.path, error)
            response = web.Response(status=500, text="this could not be answered; the log says why\n")
        response.headers.update(_HEADERS)
        return response

    return answer


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    fault(Unit.PAGE, request.path)
    return await handler(request)


def _refusal(request: web.Request, token: str | None) -> web.Response | None:
    if request.path in PUBLIC:
        return None
    if token is None:
        return None if is_own_name(request.headers.get(hdrs.HOST)) else web.Response(status=403, text=_OTHER_NAME)
    if knows(request.headers.get(hdrs.AUTHORIZATION, ""), token):
        return None
    return web.Response(status=401, text=_NO_TOKEN, headers={hdrs.WWW_AUTHENTICATE: 'Bearer realm="notifier"'})


def knows(authorization: str, token: str) -> bool:
    """Return whether the header has the token, in a time that does not depend on where they differ."""
    scheme, _, given = authorization.partition(" ")
    same = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
    return same and scheme.lower() == "bearer"


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
