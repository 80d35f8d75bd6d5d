"""`/snapshots`: the watched snapshots as they are now, filtered, sorted and searched."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from notifier.core.resources import SnapshotResource
from notifier.core.snapshot.statuses import Phase
from notifier.store.reading.filters import SnapshotFilters, Sort
from notifier.web.api.answers import Page, answered, page_of
from notifier.web.api.parameters import DEFAULT_LIMIT, LONGEST_TEXT, Cursor, Limit, OfWatch
from notifier.web.sources import WebSources

SnapshotPage = page_of(
    SnapshotResource,
    (
        "counts",
        dict[str, int],
        "the number of snapshots by status, of all that pass the filters, whatever `status` and `phase` say.",
    ),
)


def router(sources: WebSources) -> APIRouter:
    """Return the routes of snapshots."""
    made = APIRouter(prefix="/snapshots", tags=["snapshots"])

    @made.get("", operation_id="list_snapshots", response_model=SnapshotPage)
    async def list_snapshots(
        request: Request,
        status: Annotated[
            list[Annotated[str, Field(max_length=50)]],
            Query(max_length=5, description="Only those with one of these statuses, in any case."),
        ] = [],  # noqa: B006 - FastAPI copies it
        phase: Annotated[list[Phase], Query(max_length=10, description="Only those in one of these phases.")] = [],  # noqa: B006
        dataset: Annotated[
            str | None, Query(max_length=LONGEST_TEXT, description="Only those of the dataset with this id.")
        ] = None,
        watch: OfWatch = None,
        text: Annotated[
            str, Query(max_length=LONGEST_TEXT, description="Only those whose name or id contains this, in any case.")
        ] = "",
        sort: Annotated[
            Sort,
            Query(description="The order; `urgency`: recent failures, then what is in progress, then what has ended."),
        ] = Sort.URGENCY,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        """List the watched snapshots, with the number of them by status."""
        filters = SnapshotFilters(
            statuses=status,
            phases=phase,
            dataset=dataset,
            watch=watch,
            text=text,
            sort=sort,
            cursor=cursor,
            limit=limit,
        )
        found = await sources.queries.overview(filters)
        page = Page(items=found.snapshots, next=found.next_cursor, more={"counts": found.counts})
        return await answered(request, page)

    return made
