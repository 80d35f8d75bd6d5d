"""`/deliveries`: what was told to whom, in which words and in how many attempts; and sending it again."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from notifier.core.action_results import RetryResult
from notifier.core.resources import DeliveryResource
from notifier.store.reading.filters import DeliveryFilters
from notifier.web.api.answers import Page, answered, page_of
from notifier.web.api.notes import noted
from notifier.web.api.openapi import problems
from notifier.web.api.parameters import (
    DEFAULT_LIMIT,
    LARGEST_ID,
    LONGEST_TEXT,
    Cursor,
    DeliveryId,
    Limit,
    OfSnapshot,
    OfWatch,
    Since,
    States,
    Time,
    Until,
    whole,
)
from notifier.web.api.problems import Kind, Problem, not_found
from notifier.web.sources import WebSources

DeliveryPage = page_of(DeliveryResource)

MOST_AT_ONCE = 1_000
"""Deliveries that one request sends again by their numbers."""


_MOST_NOTED = 10
"""Deliveries of one request that the history notes."""


Number = Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(whole)]
"""The number of a delivery."""


class RetryRequest(BaseModel):
    """Which deliveries are sent again.

    Attributes:
        ids: the numbers of the deliveries.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    ids: Annotated[list[Number], Field(min_length=1, max_length=MOST_AT_ONCE)]


class RetryDeadRequest(BaseModel):
    """Which dead deliveries are sent again; without either field, all.

    Attributes:
        channel: only those for this channel.
        since: only those decided since this time.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    channel: Annotated[str | None, Field(max_length=LONGEST_TEXT)] = None
    since: Time | None = None


_ALL = RetryDeadRequest()


def router(sources: WebSources) -> APIRouter:
    """Return the routes of deliveries."""
    made = APIRouter(prefix="/deliveries", tags=["deliveries"])

    @made.get("", operation_id="list_deliveries", response_model=DeliveryPage)
    async def list_deliveries(
        request: Request,
        state: States = [],  # noqa: B006 - FastAPI copies it
        channel: Annotated[str | None, Query(max_length=LONGEST_TEXT, description="Only for this channel.")] = None,
        watch: OfWatch = None,
        snapshot: OfSnapshot = None,
        event: Annotated[
            str | None,
            Query(max_length=100, description="Only of the event or notice with this id, or one that begins so."),
        ] = None,
        since: Since = None,
        until: Until = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        """List the deliveries, the newest first."""
        filters = DeliveryFilters(
            states=[each.value for each in state],
            channel=channel,
            watch=watch,
            snapshot=snapshot,
            event=event,
            since=since,
            until=until,
            cursor=cursor,
            limit=limit,
        )
        found = await sources.queries.deliveries(filters)
        return await answered(request, Page(items=found.deliveries, next=found.next_cursor))

    @made.post("/retry", operation_id="retry_deliveries", response_model=RetryResult, openapi_extra=_RETRY)
    async def retry_deliveries(request: Request, body: RetryRequest) -> Response:
        """Send deliveries again at once: those of these that are dead, uncertain or retrying."""
        return await retried(request, tuple(body.ids))

    @made.post("/retry-dead", operation_id="retry_dead_deliveries", response_model=RetryResult, openapi_extra=_RETRY)
    async def retry_dead_deliveries(request: Request, body: RetryDeadRequest = _ALL) -> Response:
        """Send dead deliveries again at once: all, or those of a channel or since a time."""
        number = await sources.actions.retry_dead(body.channel, body.since)
        await noted(sources, request, "retry", body.channel or "all dead", f"{number} sent again")
        return await answered(request, RetryResult(retried=number))

    @made.get(
        "/{delivery:int}",
        operation_id="get_delivery",
        response_model=DeliveryResource,
        openapi_extra=problems(Kind.NOT_FOUND),
    )
    async def get_delivery(request: Request, delivery: DeliveryId) -> Response:
        """Return a delivery with its message and its attempts. Messages are not stored: it is rendered again."""
        found = await sources.queries.delivery(delivery)
        if found is None:
            raise _none(delivery)
        return await answered(request, found)

    @made.post("/{delivery:int}/retry", operation_id="retry_delivery", response_model=RetryResult, openapi_extra=_RETRY)
    async def retry_delivery(request: Request, delivery: DeliveryId) -> Response:
        """Send a delivery again at once that is dead, uncertain or retrying."""
        return await retried(request, (delivery,))

    async def retried(request: Request, ids: tuple[int, ...]) -> Response:
        for each in ids:
            if await sources.queries.delivery(each) is None:
                raise _none(each, ", so nothing was sent again")
        number = await sources.actions.retry(ids)
        for each in ids[:_MOST_NOTED]:  # each by itself: the page of its watch shows it
            await noted(sources, request, "retry", str(each), f"{number} of {len(ids)} sent again")
        return await answered(request, RetryResult(retried=number))

    return made


_RETRY = problems(Kind.NOT_FOUND, Kind.CANNOT)


def _none(delivery: int, so: str = "") -> Problem:
    return not_found(f"delivery {delivery}{so}", "/api/v1/deliveries lists all")
