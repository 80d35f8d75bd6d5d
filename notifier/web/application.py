"""Builds the application from its routers. Importing this module imports FastAPI: only where `http:` is on."""

import asyncio
from collections.abc import Callable
from functools import partial

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp

from notifier import __version__
from notifier.config.model import Http
from notifier.core.isolation import Faults
from notifier.web import health, hooks
from notifier.web.access import sign_in
from notifier.web.access.guard import Guard
from notifier.web.api import application as api
from notifier.web.isolation import FAILED, Isolation
from notifier.web.live import stream
from notifier.web.pages import actions, routes
from notifier.web.pages.errors import FAILED_PAGE, NOT_FOUND, error_page, wants_page
from notifier.web.pages.sign_in import sign_in_page
from notifier.web.refusals import API, refusal
from notifier.web.sources import WebSources

ROUTERS: tuple[Callable[[WebSources], APIRouter], ...] = (
    health.router,
    stream.router,
    actions.router,
    routes.router,
    hooks.router,
)
"""Each makes the routes of one room; the first route that matches a path answers it."""


def application(sources: WebSources, *, http: Http, faults: Faults) -> ASGIApp:
    """Return the application. Access is as `http` says; `faults` is notified of what a handler raised."""
    app = FastAPI(
        title="notifier",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # it redirects to plain http behind a proxy, with a secret of the path in `Location`
    )
    app.add_exception_handler(HTTPException, partial(_refused, sources))
    app.add_exception_handler(Exception, partial(_failed, sources))
    guard = Guard(app, http)
    render = partial(sign_in_page, clock=sources.clock)
    # Pages that stay signed in connect again by themselves.
    app.include_router(sign_in.router(http.token, guard.sessions, render=render, ended=sources.live.end))
    for make in ROUTERS:
        app.include_router(make(sources))
    app.mount("/api", api.application(sources, faults))
    return Isolation(guard, faults)


async def _refused(sources: WebSources, request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.scope["path"]
    if path.startswith(API):  # a line feed in it keeps the path from the API
        return refusal(path, error.status_code, "nothing has this path; /api/reference lists all")
    if error.status_code == NOT_FOUND.status and wants_page(request):
        return HTMLResponse(await asyncio.to_thread(error_page, NOT_FOUND, sources.clock()), NOT_FOUND.status)
    return PlainTextResponse(f"{error.detail}; / says what there is\n", error.status_code, error.headers)


async def _failed(sources: WebSources, request: Request, error: Exception) -> Response:
    if wants_page(request):
        return HTMLResponse(await asyncio.to_thread(error_page, FAILED_PAGE, sources.clock()), FAILED_PAGE.status)
    return PlainTextResponse(f"{FAILED}\n", 500)
