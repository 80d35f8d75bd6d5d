"""The paths, and what they answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import hdrs, web

from notifier import __version__
from notifier.core.errors import NotifierError
from notifier.core.health.vitals import Vitals, plain
from notifier.core.isolation import Faults
from notifier.web.guard import guard

METRICS_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
"""https://prometheus.io/docs/instrumenting/exposition_formats/"""

_CONTENTS = f"""\
notifier {__version__}

/healthz   200 as long as the daemon lives
/readyz    200 if it does its work, else 503 and why; JSON for `Accept: application/json`
/metrics   for Prometheus
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where the answers come from.

    `vitals` returns how the daemon does; it raises `NotifierError` or `TimeoutError` if the store does not tell.
    `metrics` returns the page for Prometheus. `redact` masks secrets in texts, lists and mappings.
    """

    vitals: Callable[[], Awaitable[Vitals]]
    metrics: Callable[[], Awaitable[bytes]]
    redact: Callable[[Any], Any]


def application(sources: Sources, *, token: str | None, faults: Faults) -> web.Application:
    """Return the application. Access needs the token; `faults` is notified of what a handler raised."""

    async def ready(request: web.Request) -> web.Response:
        found = await _judged(sources)
        status = 200 if found["healthy"] else 503
        if "application/json" in request.headers.get(hdrs.ACCEPT, ""):
            return web.json_response(found, status=status)
        return web.Response(text="\n".join([*_lines(found), ""]), status=status)

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(body=await sources.metrics(), headers={hdrs.CONTENT_TYPE: METRICS_FORMAT})

    app = web.Application(middlewares=[guard(token, faults)])
    app.router.add_get("/", _contents)
    app.router.add_get("/healthz", _alive)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)
    return app


async def _contents(request: web.Request) -> web.Response:
    return web.Response(text=_CONTENTS)


async def _alive(request: web.Request) -> web.Response:
    return web.Response(text="alive\n")


async def _judged(sources: Sources) -> dict[str, Any]:
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
