"""`/channels`: the destinations and how each does; and sending a test message to one."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from notifier.channels.templates.samples import sample_events
from notifier.core.action_results import TestResult
from notifier.core.resources import ChannelResource
from notifier.web.api.answers import Page, answered, page_of
from notifier.web.api.notes import noted
from notifier.web.api.openapi import problems
from notifier.web.api.parameters import LONGEST_TEXT
from notifier.web.api.problems import Kind, Problem, not_found
from notifier.web.sources import WebSources

ChannelPage = page_of(ChannelResource)
ChannelName = Annotated[str, Path(max_length=LONGEST_TEXT, description="The name of a channel.")]


EVENTS = sorted({name for event in sample_events() for name in event.transition.names if name.isidentifier()})
"""The events that a test message can be about."""


def _sample(event: str) -> str:
    if event not in EVENTS:
        raise ValueError(f"is not an event of a test message: {', '.join(EVENTS)}")
    return event


class TestRequest(BaseModel):
    """What the test message is about.

    Attributes:
        event: the event of the message, such as `failed` or `empty`, in the channel's own template.
        watch: the watch of the message, by its id; a made-up one, if it is not given.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    event: Annotated[str, AfterValidator(_sample), WithJsonSchema({"type": "string", "enum": EVENTS})] = "complete"
    watch: Annotated[str | None, Field(max_length=LONGEST_TEXT)] = None


_ANY = TestRequest()


def router(sources: WebSources) -> APIRouter:
    """Return the routes of channels."""
    made = APIRouter(prefix="/channels", tags=["channels"])

    @made.get("", operation_id="list_channels", response_model=ChannelPage)
    async def list_channels(request: Request) -> Response:
        """List the channels, in the order of the configuration, on one page."""
        return await answered(request, Page(items=await sources.queries.channels()))

    @made.get(
        "/{channel}",
        operation_id="get_channel",
        response_model=ChannelResource,
        openapi_extra=problems(Kind.NOT_FOUND),
    )
    async def get_channel(request: Request, channel: ChannelName) -> Response:
        """Return a channel."""
        found = next((each for each in await sources.queries.channels() if each.channel == channel), None)
        if found is None:
            raise _none(channel)
        return await answered(request, found)

    @made.post(
        "/{channel}/test",
        operation_id="test_channel",
        response_model=TestResult,
        openapi_extra=problems(Kind.NOT_FOUND, Kind.CANNOT),
    )
    async def test_channel(request: Request, channel: ChannelName, body: TestRequest = _ANY) -> Response:
        """Send a real message, marked TEST, and return the receiver's answer.

        If it was delivered, failed deliveries of this channel are retried at once.
        """
        if channel not in sources.config().channels:
            raise _none(channel)
        if body.watch is not None and sources.config().sample_watch(body.watch) is None:
            raise not_found(f"watch {body.watch!r}", "/api/v1/watches lists all")
        done = await sources.actions.test_channel(channel, body.event, body.watch)
        await noted(sources, request, "test", channel, str(done["outcome"]))
        return await answered(request, TestResult(channel=channel, **done), sources.redact)

    return made


def _none(channel: str) -> Problem:
    return not_found(f"channel {channel!r}", "/api/v1/channels lists all")
