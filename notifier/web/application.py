"""Builds the application from its routers. Importing this module imports FastAPI: only where `http:` is on."""

from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

from notifier import __version__
from notifier.config.model import Http
from notifier.core.isolation import Faults
from notifier.web import health
from notifier.web.access import plain_page, sign_in
from notifier.web.access.guard import Guard
from notifier.web.isolation import FAILED, Isolation
from notifier.web.live import stream
from notifier.web.pages import actions
from notifier.web.sources import WebSources

ROUTERS: tuple[Callable[[WebSources], APIRouter], ...] = (
    health.router,
    stream.router,
    actions.router,
)
"""Each makes the routes of one room; the first route that matches a path answers it."""


def application(sources: WebSources, *, http: Http, faults: Faults) -> ASGIApp:
    """Return the application. Access is as `http` says; `faults` is notified of what a handler raised."""
    app = FastAPI(title="notifier", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _failed)
    guard = Guard(app, http)
    app.include_router(sign_in.router(http.token, guard.sessions, render=plain_page.render))
    for make in ROUTERS:
        app.include_router(make(sources))
    return Isolation(guard, faults)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.detail}; / says what there is\n", error.status_code, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{FAILED}\n", 500)
