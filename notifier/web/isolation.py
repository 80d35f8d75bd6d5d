"""The outermost layer of the application: each request fails alone, is bounded, and gets the common headers."""

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.core.isolation import Faults
from notifier.core.words import MASK
from notifier.core.work_units import Unit
from notifier.failpoints import fault
from notifier.web.access.guard import HOOKS
from notifier.web.headers import with_headers
from notifier.web.refusals import refusal

LARGEST_BODY = 1024 * 1024
"""Bytes of a request's body."""

FAILED = "this could not be answered; the log says why"
_TOO_LARGE = f"the body of the request is larger than {LARGEST_BODY // 1024} KiB"


class BodyTooLarge(HTTPException):
    """The body of the request is larger than `LARGEST_BODY`; a framework that sees it first answers with its status."""

    def __init__(self) -> None:
        super().__init__(413, _TOO_LARGE, {"Connection": "close"})


class Isolation:
    """An ASGI middleware. What the application raises is reported, and answered without its reason.

    A HEAD is asked like a GET; the server sends no body for it.
    """

    def __init__(self, application: ASGIApp, faults: Faults) -> None:
        self._application = application
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"no {scope['type']} is served")
        answer = _Answer(send)
        try:
            fault(Unit.PAGE, shown_path(scope["path"]))
            asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            await self._application(asked, _bounded(receive), answer.send)
        except BodyTooLarge:
            await answer.end(scope, receive, 413, _TOO_LARGE)
        except ClientDisconnect:  # with half a body; nobody waits for an answer
            return
        except Exception as error:  # noqa: BLE001 - one request must not end the daemon, nor show a traceback
            self._faults.note(Unit.PAGE, shown_path(scope["path"]), error)
            await answer.end(scope, receive, 500, FAILED)


def shown_path(path: str) -> str:
    """Return a path for the log: below `HOOKS` it holds a secret."""
    return f"{HOOKS}{MASK}" if path.startswith(HOOKS) else path


class _Answer:
    """Sends an answer, and knows whether it has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            message = {**message, "headers": with_headers(message.get("headers", ()))}
        await self._send(message)

    async def end(self, scope: Scope, receive: Receive, status: int, text: str) -> None:
        """Send this, unless another answer was sent. One that stopped half way is cut off by the server."""
        if not self._begun:
            await refusal(scope["path"], status, text, {"Connection": "close"})(scope, receive, self.send)


def _bounded(receive: Receive) -> Receive:
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > LARGEST_BODY:
            raise BodyTooLarge
        return message

    return bounded
