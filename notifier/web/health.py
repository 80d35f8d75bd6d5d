"""Whether the daemon lives (/healthz), whether it does its work (/readyz), and its metrics (/metrics)."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from notifier.core.errors import NotifierError
from notifier.core.health.resources import plain
from notifier.web.sources import WebSources

METRICS_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
"""https://prometheus.io/docs/instrumenting/exposition_formats/"""


def router(sources: WebSources) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def alive() -> Response:
        return PlainTextResponse("alive\n")

    @routes.get("/readyz")
    async def ready(request: Request) -> Response:
        found = await _judged(sources)
        status = 200 if found["healthy"] else 503
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse(found, status)
        return PlainTextResponse("\n".join([*_lines(found), ""]), status)

    @routes.get("/metrics")
    async def metrics() -> Response:
        return Response(await sources.metrics(), headers={"Content-Type": METRICS_FORMAT})

    return routes


async def _judged(sources: WebSources) -> dict[str, Any]:
    """Return the judgement, as `notifier healthcheck` prints it; without vitals only the trouble."""
    try:
        found = plain(await sources.vitals())
    except NotifierError as error:
        found = {"healthy": False, "troubles": [str(error)], "remarks": []}
    except TimeoutError as error:
        found = {"healthy": False, "troubles": [f"the database does not answer: {error}"], "remarks": []}
    judged: dict[str, Any] = sources.redact(found)
    return judged


def _lines(found: dict[str, Any]) -> list[str]:
    return [
        "ready" if found["healthy"] else "not ready",
        *(f"trouble: {trouble}" for trouble in found["troubles"]),
        *(f"note: {remark}" for remark in found["remarks"]),
    ]
