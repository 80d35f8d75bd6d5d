"""The one gateway to Bright Data: sends every request with the token, within the limits that all of them share.

`notifier.brightdata.http.transport` carries the requests, `notifier.brightdata.http.failures` says what a failure
means.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import httpx

from notifier.brightdata.http.answers import retry_after_of
from notifier.brightdata.http.failures import NoAnswer, no_answer_of, no_token_of
from notifier.brightdata.http.requests import build_request, checked_base_url
from notifier.brightdata.http.response import Answer
from notifier.brightdata.http.tokens import Identity, TokenSource
from notifier.brightdata.http.transport import Transport
from notifier.brightdata.limits.gate import Gate
from notifier.brightdata.limits.permit import Permit

LONG_ANSWERS = 8
"""Connections for answers that are read on after the limiter has released them, beside `max_connections`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    """The arguments of one `Gateway.ask`."""

    method: str
    path: str
    params: Mapping[str, str | int] | None
    headers: Mapping[str, str] | None
    content: bytes | AsyncIterable[bytes] | None
    seconds: float | None
    patience: float | None


class Gateway:
    """Sends requests to Bright Data, within the limits that all users of the token share.

    Enter it as an async context manager; several requests may run at once. Proxies are taken from the environment as
    httpx does.

    Args:
        base_url: `http://` or `https://`, a host, and a path before the API's own if there is one.
        token: read before each request, and notified of a refusal.
        timeout: for the connection, and for each piece of an answer.
        limiter: shared by all users of this token.
        max_connections: the most that are open at once, beside `LONG_ANSWERS`.
        requested: called for each request with the status code of its answer, None if there was none.

    Raises:
        ValueError: the base_url is not such an address.
    """

    def __init__(
        self,
        *,
        base_url: str,
        token: TokenSource,
        timeout: timedelta,
        limiter: Gate,
        max_connections: int,
        requested: Callable[[int | None], None] = lambda _: None,
    ) -> None:
        self._requested = requested
        self.reconfigure(base_url=base_url, token=token, timeout=timeout)
        self._limiter = limiter
        self._connections = max_connections + LONG_ANSWERS
        self._http: Transport | None = None

    @property
    def identity(self) -> Identity:
        """The account in use: the address, and the token that was sent last."""
        return Identity(base_url=self._base_url, token=self._sent)

    @property
    def seconds(self) -> float:
        """The gateway's timeout."""
        return self._seconds

    def reconfigure(self, *, base_url: str, token: TokenSource, timeout: timedelta) -> None:
        """Uses this address, token and timeout from the next request on.

        Raises:
            ValueError: the base_url is not such an address; nothing has changed.
        """
        self._base_url = checked_base_url(base_url)
        self._token = token
        self._sent: str | None = None
        self._seconds = timeout.total_seconds()

    async def __aenter__(self) -> Self:
        self._http = Transport(connections=self._connections)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    @asynccontextmanager
    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | AsyncIterable[bytes] | None = None,
        seconds: float | None = None,
        patience: float | None = None,
        permit: Permit | None = None,
    ) -> AsyncIterator[Answer]:
        """Sends a request, and holds the answer open for the block.

        Args:
            method: of HTTP.
            path: begins with `/`; its segments are quoted already.
            params: the query.
            headers: win over those that every request carries.
            content: the body.
            seconds: for the complete answer, the block included, from the moment the limiter admits the request.
                Without it, as for a long download, the gateway's timeout applies to the headers as a whole and to each
                piece, and the permit is released as soon as the status line is known.
            patience: seconds for the headers and for each piece, instead of the gateway's timeout. The permit is
                released after the gateway's timeout: 429 is answered at once, so what is still awaited is no refusal,
                and a few scrapes of a minute each must not hold up all polls.
            permit: this request's turn if the caller has waited for it already; it is released in any case.

        Raises:
            NoAnswer: the request got no answer, or it broke off, or there is no token to send.
            RuntimeError: the gateway is not entered.
        """
        call = _Call(
            method=method,
            path=path,
            params=params,
            headers=headers,
            content=content,
            seconds=seconds,
            patience=patience,
        )
        with permit or await self._limiter.admit() as permit, _released_after(permit, patience and self._seconds):
            http = self._open()
            permit.use()
            answer: Answer | None = None
            try:
                async with self._answer_to(call, http) as answer:
                    if seconds is None:
                        permit.release()
                    yield answer
            except NoAnswer as error:
                if answer is None:
                    self._requested(None)
                # The status line counts, though the body broke off.
                judgement = error.unclear if answer is None or answer.reason is None else answer
                self._limiter.judged(judgement.reason, judgement.detail)
                raise
            self._limiter.judged(answer.reason, answer.detail)

    @asynccontextmanager
    async def _answer_to(self, call: _Call, http: Transport) -> AsyncIterator[Answer]:
        try:
            token = self._token.current()
        except Exception as error:  # noqa: BLE001 - a file may fail in any way
            raise no_token_of(error) from None
        self._sent = token
        request = self._request(call, token)
        timer = asyncio.timeout(call.seconds)
        try:
            async with timer:
                if call.seconds is not None:
                    response = await _sent(http, request, token)
                else:
                    response = await _sent_within(http, request, token, call.patience or self._seconds)
                try:
                    self._learn(response)
                    yield Answer(response, token)
                finally:
                    await _close(response)
        except TimeoutError:
            if not timer.expired():
                raise
            raise no_answer_of(TimeoutError(f"no whole answer within {call.seconds:g} s"), token) from None

    def _open(self) -> Transport:
        if self._http is None:
            raise RuntimeError("the gateway to Bright Data is not entered")
        return self._http

    def _request(self, call: _Call, token: str) -> httpx.Request:
        query = f"?{urlencode(call.params)}" if call.params else ""
        return build_request(
            call.method,
            f"{self._base_url}{call.path}{query}",
            token=token,
            headers=call.headers,
            content=call.content,
            connect_s=self._seconds,
            read_s=self._seconds if call.patience is None else call.patience,
        )

    def _learn(self, response: httpx.Response) -> None:
        """Informs the limiter as soon as the status line is known: the body does not matter to it."""
        self._requested(response.status_code)
        if response.status_code == 429:
            self._limiter.rate_limited(retry_after_of(response.headers, datetime.now(UTC)))
        else:
            self._limiter.answered()
        if response.status_code in (401, 403):
            self._token.refused()


@contextmanager
def _released_after(permit: Permit, seconds: float | None) -> Iterator[None]:
    """Releases the permit after that time, if the block lasts longer; with None, not before its end."""
    release = None if seconds is None else asyncio.get_running_loop().call_later(seconds, permit.release)
    try:
        yield
    finally:
        if release is not None:
            release.cancel()


async def _sent_within(http: Transport, request: httpx.Request, token: str, seconds: float) -> httpx.Response:
    """Bounds the time until all headers have come: the transport's own timeout is for each read of them."""
    try:
        async with asyncio.timeout(seconds):
            return await _sent(http, request, token)
    except TimeoutError:
        raise no_answer_of(TimeoutError(f"no answer within {seconds:g} s"), token) from None


async def _sent(http: Transport, request: httpx.Request, token: str) -> httpx.Response:
    try:
        return await http.carry(request)
    except Exception as error:  # noqa: BLE001 - no failure of the network may stop the daemon
        raise no_answer_of(error, token) from None


async def _close(response: httpx.Response) -> None:
    try:
        await response.aclose()
    except Exception as error:  # noqa: BLE001 - the answer is read, or given up: its end changes nothing
        del error
