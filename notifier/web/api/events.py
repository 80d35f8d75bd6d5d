"""`/events`: the transitions of snapshots, notified or not, each with its deliveries."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from notifier.core.resource_pages import DeliverableResource
from notifier.core.resources import EventResource
from notifier.store.reading.filters import EventFilters
from notifier.web.api.answers import Page, answered, page_of
from notifier.web.api.openapi import problems
from notifier.web.api.parameters import DEFAULT_LIMIT, Cursor, Limit, OfSnapshot, OfWatch, Since, Until
from notifier.web.api.problems import Kind, not_found
from notifier.web.sources import WebSources

EventPage = page_of(EventResource)


def router(sources: WebSources) -> APIRouter:
    """Return the routes of events."""
    made = APIRouter(prefix="/events", tags=["events"])

    @made.get("", operation_id="list_events", response_model=EventPage)
    async def list_events(
        request: Request,
        watch: OfWatch = None,
        snapshot: OfSnapshot = None,
        since: Since = None,
        until: Until = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        """List the events, the newest first."""
        filters = EventFilters(watch=watch, snapshot=snapshot, since=since, until=until, cursor=cursor, limit=limit)
        found = await sources.queries.events(filters)
        return await answered(request, Page(items=found.events, next=found.next_cursor))

    @made.get(
        "/{event}", operation_id="get_event", response_model=DeliverableResource, openapi_extra=problems(Kind.NOT_FOUND)
    )
    async def get_event(
        request: Request,
        event: Annotated[str, Path(max_length=100, description="The id of an event (evt_…) or of a notice (ntc_…).")],
    ) -> Response:
        """Return an event, or a notice to the operators, with its message and its deliveries."""
        found = await sources.queries.deliverable(event)
        if found is None:
            raise not_found(f"event {event!r}", "/api/v1/events lists all")
        return await answered(request, found)

    return made
