"""The cookie of a session: no script reads it, no other site's page sends it, and over https nothing else does."""

from collections.abc import Mapping

from starlette.requests import cookie_parser
from starlette.responses import Response

from notifier.web.access.sessions import LASTS_S

PLAIN = "notifier-session"
SECURE = "__Host-notifier-session"
"""Browsers take a cookie of this name only over https, for this host and all its paths."""


def session_of(headers: Mapping[str, str]) -> str | None:
    """Return the value of the session's cookie."""
    found = cookie_parser(headers.get("cookie", ""))
    return found.get(SECURE) or found.get(PLAIN)


def set_session(response: Response, headers: Mapping[str, str], value: str) -> None:
    """Have the browser keep the session. `headers` are those of the request."""
    secure = over_https(headers)
    response.set_cookie(
        SECURE if secure else PLAIN, value, max_age=LASTS_S, secure=secure, httponly=True, samesite="strict"
    )


def forget_session(response: Response) -> None:
    """Have the browser forget the session."""
    for name in (SECURE, PLAIN):
        response.delete_cookie(name, secure=name == SECURE, httponly=True, samesite="strict")


def over_https(headers: Mapping[str, str]) -> bool:
    """Return whether the browser asked over https: its `Origin` says so, or the proxy that took the https away."""
    scheme = headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    return scheme == "https" or headers.get("origin", "").lower().startswith("https://")
