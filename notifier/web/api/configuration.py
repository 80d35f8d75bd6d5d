"""`/configuration`: what is in effect, with its files and the last reload."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from notifier.core.resources import ConfigurationResource
from notifier.web.api.answers import answered
from notifier.web.sources import WebSources


def router(sources: WebSources) -> APIRouter:
    """Return the route of the configuration."""
    made = APIRouter(prefix="/configuration", tags=["configuration"])

    @made.get("", operation_id="get_configuration", response_model=ConfigurationResource)
    async def get_configuration(request: Request) -> Response:
        """Return the configuration in effect, every secret as `***`, and why the last reload was refused, if it was."""
        return await answered(request, await sources.queries.configuration())

    return made
