"""`/datasets`: the watched datasets, each with its collections over time."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from notifier.core.resource_pages import DatasetPage as DatasetHistory
from notifier.core.resources import DatasetResource
from notifier.store.reading.filters import SnapshotFilters
from notifier.web.api.answers import Page, answered, page_of
from notifier.web.api.openapi import problems
from notifier.web.api.parameters import DEFAULT_LIMIT, LONGEST_TEXT, Cursor, Limit
from notifier.web.api.problems import Kind, not_found
from notifier.web.sources import WebSources

DatasetPage = page_of(DatasetResource)


def router(sources: WebSources) -> APIRouter:
    """Return the routes of datasets."""
    made = APIRouter(prefix="/datasets", tags=["datasets"])

    @made.get("", operation_id="list_datasets", response_model=DatasetPage)
    async def list_datasets(request: Request) -> Response:
        """List the watched datasets, in the order of the configuration, on one page."""
        found = await sources.queries.overview(SnapshotFilters(limit=1))
        return await answered(request, Page(items=found.datasets))

    @made.get(
        "/{dataset}",
        operation_id="get_dataset",
        response_model=DatasetHistory,
        openapi_extra=problems(Kind.NOT_FOUND),
    )
    async def get_dataset(
        request: Request,
        dataset: Annotated[
            str, Path(max_length=LONGEST_TEXT, description="The id of a dataset, or that of its watch.")
        ],
        cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        """Return a dataset with its last collections; `cursor` and `limit` page its snapshots in progress."""
        found = await sources.queries.dataset(dataset, cursor=cursor, limit=limit)
        if found is None:
            raise not_found(f"dataset {dataset!r}", "/api/v1/datasets lists all")
        return await answered(request, found)

    return made
