"""`/events`: the transitions of snapshots, notified or not, each with its deliveries."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from notifier.core.resources import EventResource
from notifier.store.reading.filters import EventFilters
from notifier.web.api.answers import Page, answered, page_of
from notifier.web.api.parameters import DEFAULT_LIMIT, Cursor, Limit, OfSnapshot, OfWatch, Since, Until
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

    return made
