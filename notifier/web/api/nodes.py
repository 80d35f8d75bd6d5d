"""`/nodes`: the daemons at work; on SQLite there is one, which answers this."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from notifier.core.health.resources import NodeResource
from notifier.web.api.answers import Page, answered, page_of
from notifier.web.sources import WebSources

NodePage = page_of(NodeResource)


def router(sources: WebSources) -> APIRouter:
    """Return the route of nodes."""
    made = APIRouter(prefix="/nodes", tags=["nodes"])

    @made.get("", operation_id="list_nodes", response_model=NodePage)
    async def list_nodes(request: Request) -> Response:
        """List the daemons at work, on one page."""
        return await answered(request, Page(items=[sources.node()]))

    return made
