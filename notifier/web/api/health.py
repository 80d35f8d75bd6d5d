"""`/health`: how the daemon does, as `notifier healthcheck --json` prints it."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from notifier.core.health.resources import HealthResource, health_resource
from notifier.web.api.answers import answered
from notifier.web.sources import WebSources


def router(sources: WebSources) -> APIRouter:
    """Return the route of health."""
    made = APIRouter(prefix="/health", tags=["health"])

    @made.get("", operation_id="get_health", response_model=HealthResource)
    async def get_health(request: Request) -> Response:
        """Return how the daemon does. The status is 200 even if `healthy` is false; /readyz answers 503 then."""
        return await answered(request, health_resource(await sources.vitals()), sources.redact)

    return made
