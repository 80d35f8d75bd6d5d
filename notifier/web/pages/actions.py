"""What the buttons of the pages do: each is a POST, notes who did it, and goes back to the page with a message.

Access control checks before that the request comes from a page of ours (`access.origin_check`).
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import parse_qs, quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from notifier.core.delivery.model import OutcomeKind
from notifier.core.delivery.routing import family
from notifier.core.errors import NotifierError
from notifier.core.health.channel_texts import why
from notifier.core.snapshot.model import Reason
from notifier.core.words import one_line
from notifier.web.access.client_address import client_address
from notifier.web.access.local_path import local_path
from notifier.web.pages.messages import PARAMETER, Message
from notifier.web.sources import WebSources

MUTES = {
    "1h": (timedelta(hours=1), "for an hour"),
    "8h": (timedelta(hours=8), "for 8 hours"),
    "1d": (timedelta(days=1), "for a day"),
    "7d": (timedelta(days=7), "for 7 days"),
    "": (None, "until you unmute it"),
}
"""For how long a watch can be muted: the value of the form's field, the time, and words."""

_MOST_FIELDS = 10
_LONGEST_ANSWER = 300

Done = Callable[[], Awaitable[Message]]


def router(sources: WebSources) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)
    actions, messages = sources.actions, sources.messages

    async def answered(request: Request, action: str, subject: str, page: str, done: Done) -> Response:
        """Do it, note it, and send the browser back. What cannot be done is a message, too."""
        fields = await _fields(request)
        try:
            message = await done()
        except NotifierError as error:
            message = Message(text=f"Not done: {sources.redact(str(error))}", tone="bad")
        else:
            origin = f"page {client_address(request.scope)}"
            try:
                await actions.note(action, subject, origin, message.text)
            except NotifierError as error:
                text = f"{message.text} But the history has no note of it: {sources.redact(str(error))}"
                message = Message(text=text, tone="warn")
        back = local_path(fields.get("back") or page)
        joint = "&" if "?" in back else "?"
        return RedirectResponse(f"{back}{joint}{PARAMETER}={messages.keep(message)}", 303)

    def known(watch_id: str) -> None:
        config = sources.config()
        if not {each.id for each in (*config.watches, *config.datasets, config.adopting)} & set(family(watch_id)):
            raise NotifierError(f"there is no watch {watch_id!r} in the configuration that runs")

    @routes.post("/watches/{watch_id:path}/mute")
    async def mute(request: Request, watch_id: str) -> Response:
        lasts = (await _fields(request)).get("for", "")

        async def done() -> Message:
            known(watch_id)
            if lasts not in MUTES:
                raise NotifierError(f"a watch can be muted for {', '.join(filter(None, MUTES))}, or without an end")
            duration, words = MUTES[lasts]
            await actions.mute(watch_id, None if duration is None else sources.clock() + duration)
            return Message(text=f"Muted {words}. Nobody is notified of it meanwhile.")

        return await answered(request, "mute", watch_id, _page("watches", watch_id), done)

    @routes.post("/watches/{watch_id:path}/unmute")
    async def unmute(request: Request, watch_id: str) -> Response:
        async def done() -> Message:
            was_muted = await actions.unmute(watch_id)
            return Message(text="Unmuted. Its next events notify again." if was_muted else "It was not muted.")

        return await answered(request, "unmute", watch_id, _page("watches", watch_id), done)

    @routes.post("/watches/{watch_id:path}/poll")
    async def poll(request: Request, watch_id: str) -> Response:
        async def done() -> Message:
            known(watch_id)
            found = await actions.poll_now(_snapshot_of(sources, watch_id))
            if found is None:
                raise NotifierError("it has ended, or is not polled by itself, so there is nothing to poll")
            failed = found.answer in list(Reason)
            tone = "bad" if failed else "warn" if found.answer in (None, "not_found") else "good"
            return Message(text=str(sources.redact(found.text)), tone=tone)

        return await answered(request, "poll", watch_id, _page("watches", watch_id), done)

    async def retried(delivery_id: int) -> Message:
        found = await sources.queries.delivery(delivery_id)
        if found is None or found.channel_next_try is None:
            return Message(text="It is sent again now.")
        text = (
            f"{found.channel} fails, so it gets one message at a time, the most overdue first: it is tried now. "
            "This one follows once one gets through."
        )
        return Message(text=text, tone="warn")

    @routes.post("/deliveries/{delivery_id:int}/retry")
    async def retry(request: Request, delivery_id: int) -> Response:
        async def done() -> Message:
            if await actions.retry((delivery_id,)):
                return await retried(delivery_id)
            raise NotifierError(
                "only a dead, uncertain or retrying delivery to a channel of the configuration can be sent again"
            )

        return await answered(request, "retry", str(delivery_id), _page("deliveries", str(delivery_id)), done)

    @routes.post("/channels/{name}/test")
    async def test(request: Request, name: str) -> Response:
        async def done() -> Message:
            found = await actions.test_channel(name)
            answer = one_line(str(sources.redact(found["answer"] or found["reason"])), _LONGEST_ANSWER)
            about = f"channel:{name}"
            if found["outcome"] == OutcomeKind.DELIVERED:
                return Message(text=f"The test message to {name} was accepted: {answer}", about=about)
            reason = why(str(found["reason"]))
            said = answer if reason == found["reason"] else f"{reason}. Its answer: {answer}"
            return Message(text=f"The test message to {name} was not delivered: {said}", tone="bad", about=about)

        return await answered(request, "test", name, "/channels", done)

    return routes


async def _fields(request: Request) -> dict[str, str]:
    """Return the first value of each field of a form; none if it is not one."""
    try:
        found = parse_qs((await request.body()).decode(), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _page(folder: str, name: str) -> str:
    return f"/{folder}/{quote(name, safe='/:@')}"


def _snapshot_of(sources: WebSources, watch_id: str) -> str:
    """The snapshot of a watch: one of the configuration, or one that a dataset's watch found."""
    watch = next((each for each in sources.config().watches if each.id == watch_id), None)
    return watch.snapshot_id if watch is not None else watch_id.rpartition("/")[2]
