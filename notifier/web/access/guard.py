"""Access control: a bearer token, or without one a loopback `Host` header (against DNS rebinding)."""

import hmac

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from notifier.web.access.own_names import is_own_name
from notifier.web.refusals import refusal

PUBLIC = frozenset({"/healthz"})
"""Paths without access control: they say only that the daemon lives."""

_NO_TOKEN = "the token is missing or wrong: send `Authorization: Bearer TOKEN`, the token of `http:`"
_OTHER_NAME = (
    "Only 127.0.0.1, [::1] and localhost are answered here, so that no web page can read this through a name of its "
    "own. A proxy has to send one of these as the `Host`, or `http:` gets a `token:`."
)


class Guard:
    """An ASGI middleware that refuses requests without access."""

    def __init__(self, application: ASGIApp, *, token: str | None) -> None:
        """
        Args:
            application: answers whoever has access.
            token: the bearer token. Without one the address is loopback, and a stranger's web page could make a
                browser ask here through a name that it has pointed to this address (DNS rebinding): `Host` is checked.
        """
        self._application = application
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._refusal(scope) or self._application)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        if scope["path"] in PUBLIC:
            return None
        headers = Headers(scope=scope)
        if self._token is None:
            return None if is_own_name(headers.get("host")) else refusal(scope["path"], 403, _OTHER_NAME)
        if knows(headers.get("authorization", ""), self._token):
            return None
        return refusal(scope["path"], 401, _NO_TOKEN, {"WWW-Authenticate": 'Bearer realm="notifier"'})


def knows(authorization: str, token: str) -> bool:
    """Return whether the header has the token, in a time that does not depend on where they differ."""
    scheme, _, given = authorization.partition(" ")
    same = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
    return same and scheme.lower() == "bearer"
