"""Reads an answer of Bright Data, within bounds."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import httpx

from notifier.brightdata.http.answers import reason_of
from notifier.brightdata.http.failures import AnswerTooLarge, no_answer_of
from notifier.core.snapshot.model import Unclear


class Answer:
    """An answer whose status line has come, and whose body is still to be read.

    `secret` is the token that was sent, to mask it in the answer's text; it is never shown. `reason` is why the answer
    is unusable, None for a good one, and `detail` says so in one line. Both follow from the status code until `judge`
    replaces them. The API's health depends on them.
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
        """Sets what the body has shown: why it is unusable, or None for a good answer."""
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
        """Yields the body as it is on the wire.

        Raises:
            NoAnswer: it broke off, or the next piece did not come in time.
        """
        pieces = aiter(self._stream)
        while True:
            try:
                piece = await anext(pieces, None)
            except Exception as error:  # noqa: BLE001 - whatever the transport raises, nothing more comes
                raise no_answer_of(error, self.secret) from None
            if piece is None:
                return
            yield piece

    async def body_within(self, largest: int, seconds: float) -> bytes:
        """Returns the whole body, for a request without a limit in time.

        Raises:
            NoAnswer: as `body`; or it did not come in time.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self.body(largest)
        except TimeoutError as error:
            raise no_answer_of(error, self.secret) from None

    async def body(self, largest: int) -> bytes:
        """Returns the whole body as it is on the wire.

        Raises:
            AnswerTooLarge: it has more than `largest` bytes.
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
        except Exception as error:  # noqa: BLE001 - as in `aiter_raw`, without a second generator for every poll
            raise no_answer_of(error, self.secret) from None
        return b"".join(pieces)
