"""An answer of Bright Data: its status line has come, its body is read within bounds."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import httpx

from notifier.brightdata.http.answers import reason_of
from notifier.brightdata.http.failures import AnswerTooLarge, no_answer_of
from notifier.core.model import Unclear


class Answer:
    """An answer whose status line has come, and whose body is still on its way.

    `secret` is the token that was sent, to be masked in whatever the answer says; it is shown nowhere. `reason` is why
    it does not tell what was asked, None for a good answer, and `detail` says it in a line: both by the status code,
    until who reads the body has found a better one with `judge`. The API's health is told by them.
    """

    def __init__(self, response: httpx.Response, secret: str) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._response = response
        self._stream = response.stream
        self.secret = secret
        self.reason = reason_of(response.status_code)
        self.detail = f"HTTP {response.status_code}"

    def __repr__(self) -> str:
        return f"Answer({self.status_code})"

    def judge(self, verdict: Unclear | None) -> None:
        """Say what the body has shown: that it tells nothing, or (None) that it is a good answer."""
        self.reason = None if verdict is None else verdict.reason
        self.detail = "" if verdict is None else verdict.detail

    @property
    def status_code(self) -> int:
        """The status code of HTTP."""
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; their names without regard to case."""
        return self._response.headers

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        """The body as it is on the wire, piece by piece.

        Raises:
            NoAnswer: it broke off, or the next piece did not come in time.
        """
        pieces = aiter(self._stream)
        while True:
            try:
                piece = await anext(pieces, None)
            except Exception as error:  # noqa: BLE001 - whatever the transport raises means that there is no more
                raise no_answer_of(error, self.secret) from None
            if piece is None:
                return
            yield piece

    async def body_within(self, largest: int, seconds: float) -> bytes:
        """The whole body, where the request as a whole has no limit in time.

        Raises:
            NoAnswer: as `body`; or it was not whole in time.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self.body(largest)
        except TimeoutError as error:
            raise no_answer_of(error, self.secret) from None

    async def body(self, largest: int) -> bytes:
        """The whole body as it is on the wire.

        Raises:
            AnswerTooLarge: it goes on beyond `largest` bytes.
            NoAnswer: it broke off.
        """
        pieces: list[bytes] = []
        length = 0
        try:
            async for piece in self._stream:
                length += len(piece)
                if length > largest:
                    raise AnswerTooLarge(f"HTTP {self.status_code}, but the answer is larger than {largest} bytes")
                pieces.append(piece)
        except Exception as error:  # noqa: BLE001 - as in `aiter_raw`, without a second generator for every look
            raise no_answer_of(error, self.secret) from None
        return b"".join(pieces)
