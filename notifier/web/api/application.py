"""The API as an application of its own, mounted under /api: routes, errors, description and reference."""

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.core.errors import NotifierError
from notifier.core.isolation import Faults
from notifier.core.work_units import Unit
from notifier.web.api import (
    channels,
    conditions,
    configuration,
    datasets,
    deliveries,
    events,
    health,
    nodes,
    reference,
    snapshots,
    watches,
)
from notifier.web.api.answers import JSON
from notifier.web.api.problems import Kind, Problem, answer, invalid, kind_of, problem_of
from notifier.web.sources import WebSources

ROUTERS = (
    watches.router,
    snapshots.router,
    datasets.router,
    events.router,
    deliveries.router,
    channels.router,
    conditions.router,
    nodes.router,
    health.router,
    configuration.router,
)
"""Each makes the routes of one resource, in the order of the description."""

LARGEST_BODY = 64 * 1024
"""Bytes of a request's body."""


def application(sources: WebSources, faults: Faults) -> FastAPI:
    """Return the API, to be mounted under `/api`.

    Args:
        sources: where answers come from.
        faults: is notified of what a route raised.
    """
    made = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    described = routes(sources)
    made.include_router(described)
    made.include_router(reference.router(described.routes, secured=lambda: _has_token(sources), clock=sources.clock))
    made.add_exception_handler(Problem, _of_problem)
    made.add_exception_handler(NotifierError, _of_error)
    made.add_exception_handler(TimeoutError, _of_timeout)
    made.add_exception_handler(HTTPException, _of_status)
    made.add_exception_handler(RequestValidationError, _of_values)
    made.add_middleware(_Isolation, faults=faults)
    return made


def routes(sources: WebSources) -> APIRouter:
    """Return the routes of all resources, under the version of the API."""
    made = APIRouter()
    for make in ROUTERS:
        made.include_router(make(sources), prefix="/v1")
    return made


def _has_token(sources: WebSources) -> bool:
    http = sources.config().http
    return http is not None and http.token is not None


async def _of_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer(error, request.url.path)


async def _of_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotifierError)
    return answer(problem_of(error), request.url.path)


async def _of_timeout(request: Request, error: Exception) -> Response:
    detail = f"the database does not answer: {error}"
    return answer(Problem(Kind.UNAVAILABLE, detail, headers={"Retry-After": "5"}), request.url.path)


async def _of_values(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    kind = request.headers.get("content-type", "none").partition(";")[0].strip().lower()
    if error.body is not None and kind != JSON and not kind.endswith("+json"):
        detail = f"the body has the type {kind!r}: send JSON, as `Content-Type: application/json`"
        return answer(Problem(Kind.MEDIA, detail), request.url.path)
    return answer(invalid(list(error.errors())), request.url.path)


async def _of_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = Kind.NO_PATH if error.status_code == 404 else kind_of(error.status_code)
    detail = _DETAILS.get(kind, str(error.detail)).format(method=request.method, path=request.url.path)
    return answer(Problem(kind, detail, headers=error.headers), request.url.path)


_DETAILS = {
    Kind.MALFORMED: "the body is not JSON in UTF-8",
    Kind.NO_PATH: "nothing has the path {path}; /api/reference lists all",
    Kind.NOT_ALLOWED: "{path} does not take {method}; /api/reference shows what it takes",
    Kind.TOO_LARGE: f"the body has more than {LARGEST_BODY:,} bytes",
}


class _Isolation:
    """Answers what a route raises with a problem, and reports it; bounds the bodies of requests."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, received = False, 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > LARGEST_BODY:
                raise HTTPException(413)
            return message

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        path = str(scope["path"])
        try:
            await self._app(scope, bounded, noted)
        except Exception as error:  # noqa: BLE001 - one request must not end the daemon, nor show a traceback
            self._faults.note(Unit.PAGE, path, error)
            if not begun:
                problem = Problem(Kind.INTERNAL, "the notifier failed to answer this; its log says why")
                await answer(problem, path)(scope, receive, send)
