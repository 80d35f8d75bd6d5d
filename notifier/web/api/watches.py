"""`/watches`: the entries of the configuration, each with its history, and what can be done with it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from notifier.config.model import AnyWatch, Config
from notifier.config.resource import watch_settings_resource
from notifier.config.values.durations import parse
from notifier.core.action_results import MuteResult, PollResult, UnmuteResult
from notifier.core.errors import BadCursor
from notifier.core.resource_pages import WatchResource
from notifier.core.snapshot.model import AdoptingWatch, Watch
from notifier.core.watch_resources import WatchSettingsResource
from notifier.store.reading.cursors import decode, encode
from notifier.web.api.answers import Page, answered, page_of
from notifier.web.api.notes import noted
from notifier.web.api.openapi import problems
from notifier.web.api.parameters import DEFAULT_LIMIT, LONGEST_TEXT, Cursor, Limit, Time, WatchId
from notifier.web.api.problems import Kind, Problem, not_found
from notifier.web.sources import WebSources

_CURSOR = "watches"

WatchPage = page_of(WatchSettingsResource)


def _duration(value: Any) -> timedelta:
    if not isinstance(value, str):
        raise ValueError("is not a duration such as 2h")
    return parse(value)


class MuteRequest(BaseModel):
    """How long a watch is muted; without either, until it is unmuted.

    Attributes:
        until: until this time.
        for: for so long from now, such as `2h`, `90s` or `1d12h`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"not": {"required": ["until", "for"]}})
    until: Time | None = None
    lasting: Annotated[timedelta, BeforeValidator(_duration)] | None = Field(
        None,
        alias="for",
        json_schema_extra={"anyOf": [{"type": "string", "pattern": "^[1-9][0-9]{0,2}[smhd]$"}, {"type": "null"}]},
    )


_UNTIL_UNMUTED = MuteRequest()


def router(sources: WebSources) -> APIRouter:
    """Return the routes of watches."""
    made = APIRouter(prefix="/watches", tags=["watches"])

    @made.get("", operation_id="list_watches", response_model=WatchPage)
    async def list_watches(
        request: Request,
        called: Annotated[
            str | None,
            Query(max_length=LONGEST_TEXT, description="Only with this id, snapshot, dataset or name."),
        ] = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        """List the watches, in the order of the configuration, with their settings."""
        return await answered(request, _page(sources.config(), called, cursor, limit), sources.redact)

    @made.post("/{watch:path}/mute", operation_id="mute_watch", response_model=MuteResult, **_ACTION)
    async def mute_watch(request: Request, watch: WatchId, body: MuteRequest = _UNTIL_UNMUTED) -> Response:
        """Mute a watch: send no notifications about it. It is still polled; its deliveries are listed as dropped."""
        _known(sources.config(), watch)
        until = _until(body, sources.clock())
        await sources.actions.mute(watch, until)
        await noted(sources, request, "mute", watch, "" if until is None else until.isoformat())
        return await answered(request, MuteResult(muted=watch, until=until), sources.redact)

    @made.post("/{watch:path}/unmute", operation_id="unmute_watch", response_model=UnmuteResult, **_ACTION)
    async def unmute_watch(request: Request, watch: WatchId) -> Response:
        """Unmute a watch: send notifications about it again."""
        _known(sources.config(), watch)
        was_muted = await sources.actions.unmute(watch)
        await noted(sources, request, "unmute", watch, "")
        return await answered(request, UnmuteResult(unmuted=watch, was_muted=was_muted), sources.redact)

    @made.post(
        "/{watch:path}/poll",
        operation_id="poll_watch",
        response_model=PollResult,
        openapi_extra=problems(Kind.NOT_FOUND, Kind.CANNOT),
    )
    async def poll_watch(request: Request, watch: WatchId) -> Response:
        """Poll the snapshot of a watch now, as soon as the limiter admits the request, and say what came of it.

        The answer comes with the outcome of the poll, or after five seconds.
        """
        found = _known(sources.config(), watch)
        snapshot = found.snapshot_id if isinstance(found, Watch) else watch.partition("/")[2]
        if not snapshot:
            raise Problem(Kind.CANNOT, f"the watch {watch} is one of a dataset: poll a snapshot of it, PARENT/SNAPSHOT")
        result = await sources.actions.poll_now(snapshot)
        if result is None:
            raise Problem(Kind.CANNOT, f"the snapshot {snapshot} has ended, or is not watched: it is not polled")
        text = str(sources.redact(result.text))
        await noted(sources, request, "poll", watch, text)
        return await answered(request, replace(result, text=text), sources.redact)

    @made.get(
        "/{watch:path}",
        operation_id="get_watch",
        response_model=WatchResource,
        openapi_extra=problems(Kind.NOT_FOUND),
    )
    async def get_watch(
        request: Request, watch: WatchId, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> Response:
        """Return a watched snapshot with its history; `cursor` and `limit` page its events."""
        if any(each.id == watch for each in sources.config().datasets):
            raise Problem(Kind.NOT_FOUND, f"the watch {watch} is one of a dataset: ask for it under /api/v1/datasets/")
        found = await sources.queries.watch(watch, cursor=cursor, limit=limit)
        if found is None:
            raise _no_watch(watch)
        return await answered(request, found)

    return made


_ACTION: dict[str, Any] = {"openapi_extra": problems(Kind.NOT_FOUND, Kind.CANNOT)}


def _page(config: Config, called: str | None, cursor: str | None, limit: int) -> Page:
    """Return a page of watches. The cursor holds the id of the last watch of the page before.

    Raises:
        BadCursor: the cursor is none of this list, or the watch is gone.
    """
    every: list[AnyWatch] = [*config.watches, *config.datasets]
    watches = [each for each in every if called is None or called in (each.id, each.name, _subject(each))]
    place = decode(_CURSOR, cursor, (str,))
    start = 0
    if place is not None:
        start = next((number for number, each in enumerate(watches, 1) if each.id == place[0]), 0)
        if start == 0:
            raise BadCursor("the watch that the cursor goes on after is gone: ask without it, for the first page")
    page = watches[start : start + limit]
    following = encode(_CURSOR, [page[-1].id]) if start + limit < len(watches) else None
    return Page(items=[watch_settings_resource(each) for each in page], next=following)


def _subject(watch: AnyWatch) -> str:
    return watch.snapshot_id if isinstance(watch, Watch) else watch.dataset_id


def _known(config: Config, watch: str) -> AnyWatch | AdoptingWatch:
    """Return the configured watch with this id, or the one whose dataset has the snapshot, or that of adopted ones.

    Raises:
        Problem: there is none.
    """
    parent, _, snapshot = watch.partition("/")
    every: list[AnyWatch | AdoptingWatch] = [*config.watches, *config.datasets, config.adopting]
    for each in every:
        if each.id == watch or (snapshot and each.id == parent and not isinstance(each, Watch)):
            return each
    raise _no_watch(watch)


def _no_watch(watch: str) -> Problem:
    return not_found(f"watch {watch!r}", "/api/v1/watches lists all")


def _until(given: MuteRequest, now: datetime) -> datetime | None:
    if len(given.model_fields_set) > 1:
        raise Problem(Kind.INVALID, "body: `until` and `for` are both given: keep one of them")
    return given.until if given.lasting is None else now + given.lasting
