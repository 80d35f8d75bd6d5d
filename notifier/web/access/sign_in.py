"""The sign-in page: takes the token of `http:` and gives a session for it."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from notifier.core.words import span
from notifier.web.access.client_address import client_address
from notifier.web.access.cookie import forget_session, session_of, set_session
from notifier.web.access.guard import SIGN_IN, SIGN_OUT, is_token
from notifier.web.access.local_path import local_path
from notifier.web.access.sessions import Sessions
from notifier.web.access.sign_in_limit import SignInLimit

WRONG = "That is not the token of http: in the configuration."

_MOST_FIELDS = 10


def router(
    token: str | None,
    sessions: Sessions | None,
    *,
    render: Callable[[str, str], str],
    limit: SignInLimit | None = None,
    ended: Callable[[], None] = lambda: None,
) -> APIRouter:
    """Return the routes.

    Args:
        token: gives a session. Without one nobody signs in.
        sessions: those of the guard.
        render: makes the page, of what went wrong (empty if nothing did) and where to go afterwards.
        limit: bounds the failed attempts.
        ended: called after a session was ended by its user.
    """
    routes = APIRouter(include_in_schema=False)
    tries = limit or SignInLimit()

    @routes.get(SIGN_IN)
    async def form(request: Request) -> Response:
        if sessions is None:
            return RedirectResponse("/", 303)
        return HTMLResponse(render("", local_path(request.query_params.get("next", "/"))))

    @routes.post(SIGN_IN)
    async def sign_in(request: Request) -> Response:
        if token is None or sessions is None:
            return RedirectResponse("/", 303)
        given, onwards = _fields(await request.body())
        address = client_address(request.scope)
        if seconds := tries.wait(address):
            text = f"Too many attempts failed. Try again in {span(timedelta(seconds=seconds))}."
            return HTMLResponse(render(text, onwards), 429, {"Retry-After": str(seconds)})
        if not is_token(given.strip(), token):
            tries.failed(address)
            return HTMLResponse(render(WRONG, onwards), 403)
        done = RedirectResponse(onwards, 303)
        set_session(done, request.headers, sessions.new())
        return done

    @routes.post(SIGN_OUT)
    async def sign_out(request: Request) -> Response:
        value = session_of(request.headers)
        if sessions is not None and value and sessions.is_valid(value):
            sessions.revoke(value)
            ended()
        done = RedirectResponse(SIGN_IN, 303)
        forget_session(done)
        return done

    return routes


def _fields(body: bytes) -> tuple[str, str]:
    """Return the token and the path of a form; empty, and `/`, if it is none."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return "", "/"
    return fields.get("token", [""])[0], local_path(fields.get("next", ["/"])[0])
