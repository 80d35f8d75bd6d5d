"""`/conditions`: what is in trouble now, in words, the worst first."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from notifier.core.resources import ConditionResource
from notifier.web.api.answers import Page, answered, page_of
from notifier.web.sources import WebSources

ConditionPage = page_of(ConditionResource)


def router(sources: WebSources) -> APIRouter:
    """Return the route of conditions."""
    made = APIRouter(prefix="/conditions", tags=["conditions"])

    @made.get("", operation_id="list_conditions", response_model=ConditionPage)
    async def list_conditions(request: Request) -> Response:
        """List what is in trouble, the worst first, on one page."""
        return await answered(request, Page(items=await sources.queries.conditions()))

    return made
