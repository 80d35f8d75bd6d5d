"""The routes of the pages: each asks for resources, and renders them in a thread."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from notifier.core.delivery.states import OPEN
from notifier.core.errors import BadCursor, NotifierError, StoreError
from notifier.core.resources import ConditionResource
from notifier.core.snapshot.model import MISSING
from notifier.core.snapshot.statuses import Phase
from notifier.store.reading.filters import DeliveryFilters, SnapshotFilters, Sort
from notifier.web.access.guard import is_signed_in
from notifier.web.pages import assets, channels, configuration, dataset, deliveries, errors, overview, watch
from notifier.web.pages.compression import encoded
from notifier.web.pages.errors import Trouble, error_page
from notifier.web.pages.filters import SentFilters, WatchFilters
from notifier.web.pages.overview import MUTES, PANEL, Overview, Panels
from notifier.web.pages.renderer import RENDERER
from notifier.web.pages.watch_names import names_of, several_called, watch_called
from notifier.web.sources import WebSources

LARGEST_ID = 2**63 - 1

FAILURES = frozenset({"failed", MISSING})
"""The statuses of which somebody should know."""

Context = dict[str, Any]
Made = tuple[str, Context] | Trouble
"""A template with its context, or what to say instead."""


def router(sources: WebSources) -> APIRouter:
    """Return the routes of all pages and of the files that they load."""
    routes = APIRouter(include_in_schema=False)
    routes.include_router(assets.router())
    pages = Pages(sources)

    def page(path: str, make: Callable[..., Awaitable[Made]], topics: str) -> None:
        async def answer(request: Request) -> Response:
            return await pages.answer(request, topics, make)

        routes.add_api_route(path, answer, methods=["GET"])

    page("/", pages.overview, "watches deliveries channels conditions configuration")
    page("/watches/{watch_id:path}", pages.watch, "")
    page("/datasets/{dataset_id:path}", pages.dataset, "watches")
    page("/deliveries", pages.deliveries, "deliveries")
    page("/deliveries/{delivery_id}", pages.delivery, "")
    page("/channels", pages.channels, "channels")
    page("/configuration", pages.configuration, "configuration")
    return routes


class Pages:
    """Makes the pages of what the sources answer."""

    def __init__(self, sources: WebSources) -> None:
        self._sources = sources
        self._queries = sources.queries

    async def answer(self, request: Request, topics: str, make: Callable[..., Awaitable[Made]]) -> Response:
        """Return a page, or an error page in its place."""
        now, last_id = self._sources.clock(), self._sources.live.last_id
        try:
            made = await make(request)
        except BadCursor:
            made = errors.BAD_CURSOR
        except (StoreError, TimeoutError) as error:
            made = errors.database_away(str(self._sources.redact(str(error))))
        if isinstance(made, Trouble):
            return HTMLResponse(await asyncio.to_thread(error_page, made, now), made.status)
        template, context = made
        render = partial(
            RENDERER.page,
            template,
            now=now,
            topics=context.pop("topics", topics),
            last_id=last_id,
            message=self._sources.messages.get(request.query_params.get("message")),
            signed_in=is_signed_in(request),
            **context,
        )
        body, headers = await asyncio.to_thread(lambda: encoded(render(), request.headers))
        return HTMLResponse(body, headers=headers)

    async def overview(self, request: Request) -> Made:
        """Make the overview."""
        filters = WatchFilters.of(request.query_params)
        config, queries = self._sources.config(), self._queries
        now = self._sources.clock()
        page = await queries.overview(filters.for_store(now))
        every = await queries.overview(SnapshotFilters(limit=1)) if filters.given else page
        found = Overview(
            page=page,
            counts=every.counts,
            conditions=await self._conditions(),
            channels=tuple(await queries.channels(rare=True)),
            dataset_names={each.dataset_id: each.name for each in config.datasets},
            any_watches=bool(config.watches or config.datasets),
            muted=(await queries.overview(SnapshotFilters(muted_at=now, limit=MUTES))).snapshots,
        )
        if overview.tried_again(found.channels):
            found = replace(found, untold=await self._untold())
        if not filters.given:
            found = replace(found, panels=await self._panels())
        return "overview", overview.context(found, filters, self._sources.clock())

    async def _untold(self) -> int:
        """Count the failures of which every message is still tried, among the newest messages that wait."""
        waiting = await self._queries.deliveries(DeliveryFilters(states=OPEN))
        watches = {each.watch for each in waiting.deliveries if each.watch is not None and each.status in FAILURES}
        if not watches:
            return 0
        snapshots, _ = await self._queries.rows(watches, ())
        failed = [each for each in snapshots if each.status in FAILURES and each.notified]
        return sum(all(told.state in OPEN for told in each.notified) for each in failed)

    async def _panels(self) -> Panels:
        queries, most = self._queries, PANEL
        in_progress = (Phase.UNKNOWN, Phase.ACTIVE)
        newest = SnapshotFilters(sort=Sort.SINCE, limit=most)
        waiting = await queries.deliveries(DeliveryFilters(states=OPEN, limit=most))
        soonest = await queries.overview(SnapshotFilters(phases=in_progress, sort=Sort.NEXT_POLL, limit=most))
        return Panels(
            running=(await queries.overview(replace(newest, phases=in_progress))).snapshots,
            ended=(await queries.overview(replace(newest, phases=(Phase.ENDED, Phase.MISSING)))).snapshots,
            messages=(await queries.deliveries(DeliveryFilters(limit=most))).deliveries,
            waiting=waiting.deliveries,
            soonest=soonest.snapshots,
        )

    async def _conditions(self) -> tuple[ConditionResource, ...]:
        """Return what is in trouble; that the daemon does not say so is a trouble, too."""
        try:
            return tuple(await self._queries.conditions())
        except (NotifierError, TimeoutError) as error:
            return (
                ConditionResource(
                    subject="vitals",
                    kind="unknown",
                    since=None,
                    sentence=f"the notifier cannot say how it does: {self._sources.redact(str(error))}",
                    cure="If it lasts, look at /readyz and at the log.",
                ),
            )

    async def watch(self, request: Request) -> Made:
        """Make the page of a watch: of a snapshot, or of a dataset."""
        watch_id = request.path_params["watch_id"]
        after = request.query_params.get("after", "")
        config = self._sources.config()
        if watch_id in {each.id for each in config.datasets}:
            of_dataset = await self._queries.dataset(watch_id)
            if of_dataset is not None and of_dataset.watch is not None:
                topics = f"dataset:{of_dataset.dataset}"
                return "dataset_watch", {**watch.dataset_context(of_dataset), "topics": topics}
        found = await self._queries.watch(watch_id, cursor=after or None)
        if found is None:
            return errors.NO_WATCH
        names = {each.dataset_id: each.name for each in config.datasets}
        context = await asyncio.to_thread(
            watch.context,
            found,
            dataset_name=names.get(found.snapshot.dataset or "", ""),
            after=after,
            now=self._sources.clock(),
        )
        return "watch", {**context, "topics": f"watch:{watch_id}"}

    async def dataset(self, request: Request) -> Made:
        """Make the page of a dataset."""
        found = await self._queries.dataset(request.path_params["dataset_id"])
        if found is None:
            return errors.NO_DATASET
        return "dataset", await asyncio.to_thread(dataset.context, found, self._sources.clock())

    async def deliveries(self, request: Request) -> Made:
        """Make the list of deliveries."""
        filters = SentFilters.of(request.query_params)
        config = self._sources.config()
        asked = replace(filters, watch=watch_called(config, filters.watch)).for_store(self._sources.clock())
        found = await self._queries.deliveries(asked)
        names, several = names_of(config), several_called(config, filters.watch)
        return "deliveries", deliveries.context(found, filters, list(config.channels), names, several)

    async def delivery(self, request: Request) -> Made:
        """Make the page of one delivery."""
        number = request.path_params["delivery_id"]
        if not number.isascii() or not number.isdigit() or int(number[:20]) > LARGEST_ID:
            return errors.NO_DELIVERY
        found = await self._queries.delivery(int(number))
        if found is None:
            return errors.NO_DELIVERY
        return "delivery", {**deliveries.one_context(found, self._sources.clock()), "topics": f"delivery:{number}"}

    async def channels(self, request: Request) -> Made:
        """Make the page of the channels."""
        return "channels", channels.context(await self._queries.channels())

    async def configuration(self, request: Request) -> Made:
        """Make the page of the configuration."""
        found = await self._queries.configuration()
        return "configuration", await asyncio.to_thread(configuration.context, found)
