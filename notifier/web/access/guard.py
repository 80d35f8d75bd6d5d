"""Access control: a bearer token or a session, or without a token a loopback `Host` header (against DNS rebinding)."""

import hmac
from collections.abc import Mapping
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from notifier.config.model import Http
from notifier.web.access.cookie import session_of
from notifier.web.access.local_path import local_path
from notifier.web.access.origin_check import SAFE, is_own_request
from notifier.web.access.own_names import is_loopback_name, origin_of
from notifier.web.access.sessions import Sessions
from notifier.web.pages.errors import wants_page
from notifier.web.refusals import refusal

SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"

PUBLIC = frozenset({"/healthz", SIGN_IN, SIGN_OUT})
"""Paths without access control. /healthz says only that the daemon lives."""

PUBLIC_FILES = "/static/"
"""The files of the pages, which the sign-in page needs; they are the same everywhere."""

HOOKS = "/hooks/"
"""Paths that hold a secret of their own. Who sends there is no browser."""

_NO_TOKEN = "the token is missing or wrong: send `Authorization: Bearer TOKEN`, the token of `http:`"
_OTHER_NAME = (
    "Only 127.0.0.1, [::1] and localhost are answered here, so that no web page can read this through a name of its "
    "own. A proxy has to send one of these as the `Host`, or `http:` gets a `token:`."
)
_OTHER_PAGE = (
    "This request comes from another web page, and nothing is changed by it. A proxy has to pass the `Host` on, or "
    "`http:` gets a `public_url:`; a program sends `Authorization: Bearer TOKEN`."
)


class Guard:
    """An ASGI middleware that refuses requests without access."""

    def __init__(self, application: ASGIApp, http: Http) -> None:
        """
        Args:
            application: answers whoever has access.
            http: has the token. Without one the address is loopback, and a stranger's web page could make a browser
                ask here through a name that it has pointed to this address (DNS rebinding): `Host` is checked.
        """
        self._application = application
        self._token = http.token
        self._public_origin = origin_of(http.public_url) if http.public_url is not None else None
        self.sessions = Sessions(http.token) if http.token is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._refusal(scope) or self._application)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        path, method, headers = scope["path"], scope["method"], Headers(scope=scope)
        if path.startswith(HOOKS) or (path.startswith(PUBLIC_FILES) and method in SAFE):
            return None
        if self._token is None:
            if path not in PUBLIC and not is_loopback_name(headers.get("host")):
                return refusal(path, 403, _OTHER_NAME, page=wants_page(HTTPConnection(scope)))
            return self._unless_own(scope, headers, from_browser=False)
        if knows(headers.get("authorization", ""), self._token):
            return None
        session = session_of(headers)
        if "authorization" not in headers and session and self.sessions and self.sessions.is_valid(session):
            scope.setdefault("state", {})["signed_in"] = True
            return self._unless_own(scope, headers, from_browser=True)
        if path in PUBLIC:
            return self._unless_own(scope, headers, from_browser=False)
        return _sign_in(scope, headers) or refusal(
            path, 401, _NO_TOKEN, {"WWW-Authenticate": 'Bearer realm="notifier"'}
        )

    def _unless_own(self, scope: Scope, headers: Mapping[str, str], *, from_browser: bool) -> Response | None:
        if scope["method"] in SAFE or is_own_request(headers, self._public_origin, from_browser=from_browser):
            return None
        return refusal(scope["path"], 403, _OTHER_PAGE)


def is_signed_in(request: HTTPConnection) -> bool:
    """Return whether the request has access by a session, which its user can end."""
    return getattr(request.state, "signed_in", False)


def knows(authorization: str, token: str) -> bool:
    """Return whether the header has the token, in a time that does not depend on where they differ."""
    scheme, _, given = authorization.partition(" ")
    return is_token(given.strip(), token) and scheme.lower() == "bearer"


def is_token(given: str, token: str) -> bool:
    """Return whether this is the token, in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())


def _sign_in(scope: Scope, headers: Mapping[str, str]) -> Response | None:
    """Send a browser that wants to show a page to the sign-in page; None if it is something else.

    A link on another site comes without the cookie, which is `SameSite=Strict`. The browser is told to ask again by
    itself: then it sends the cookie, if it has one.
    """
    if scope["method"] != "GET" or "text/html" not in headers.get("accept", ""):
        return None
    query = scope["query_string"].decode("latin-1")
    here = local_path(quote(scope["path"]) + (f"?{query}" if query else ""))
    if headers.get("sec-fetch-site") in ("cross-site", "same-site") and headers.get("sec-fetch-mode") == "navigate":
        return PlainTextResponse("One moment …\n", headers={"Refresh": f"0; url={here}"})
    return RedirectResponse(f"{SIGN_IN}?next={quote(here, safe='')}", 303)
