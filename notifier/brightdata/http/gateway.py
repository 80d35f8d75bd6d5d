"""The one gateway to Bright Data: every request with the token goes through `Gateway.ask`, within the limits all share.

How they are carried is the matter of `notifier.brightdata.http.transport`, what a failure means that of
`notifier.brightdata.http.failures`.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlencode

import httpx

from notifier import __version__
from notifier.brightdata.http.answers import retry_after_of
from notifier.brightdata.http.failures import NoAnswer, no_answer_of, no_token_of
from notifier.brightdata.http.response import Answer
from notifier.brightdata.http.tokens import Identity, TokenSource
from notifier.brightdata.http.transport import Transport
from notifier.brightdata.limits.permit import Permit
from notifier.core.model import Reason

LONG_ANSWERS = 8
"""Connections for answers that are read on after the limiter has let go of them, beside `max_connections`."""


class Gate(Protocol):
    """Admits requests with the token: a `Limiter`, or one that another process lends."""

    async def admit(self) -> Permit:
        """Wait for a request's turn."""

    def rate_limited(self, retry_after: timedelta | None) -> None:
        """Learn that the API answered 429."""

    def answered(self) -> None:
        """Learn that it answered something else."""

    def judged(self, reason: Reason | None, detail: str = "") -> None:
        """Learn what the request came to: why it told nothing, or None for a good answer."""


class Gateway:
    """Asks Bright Data, within the limits that all who use the token share.

    Enter it as an async context manager; several requests may run at once. Proxies are taken from the environment as
    httpx does.

    Args:
        base_url: `http://` or `https://`, a host, and a path before the API's own if there is one.
        token: asked before each request, told when it was refused.
        timeout: for connecting, and for each piece of an answer.
        limiter: shared by all that use this token.
        max_connections: how many are open at once, beside `LONG_ANSWERS`.
        requested: told of each request the status code of its answer, None if there was none.

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
        """Whose account is asked, and where: the address, and the token that was sent last."""
        return Identity(base_url=self._base_url, token=self._sent)

    def reconfigure(self, *, base_url: str, token: TokenSource, timeout: timedelta) -> None:
        """Ask there, with that token and that much time, from the next request on.

        Raises:
            ValueError: the base_url is not such an address; nothing has changed.
        """
        self._base_url = checked_base_url(base_url)
        self._token = token
        self._sent: str | None = None
        self._seconds = timeout.total_seconds()
        self._extensions = {"timeout": {"connect": self._seconds, "read": self._seconds}}

    async def __aenter__(self) -> Self:
        self._http = Transport(connections=self._connections)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    @property
    def seconds(self) -> float:
        """The timeout that the gateway was made with."""
        return self._seconds

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
        """Ask, and hold the answer open for the block.

        Args:
            method: of HTTP.
            path: begins with `/`; each of its segments is quoted already.
            params: the query.
            headers: beside the token and what every request carries; a name given here wins.
            content: the body.
            seconds: for the answer as a whole, the block included, from the moment the limiter lets its request go.
                Without it, as for a long download, only the headers as a whole and each piece have to come within the
                gateway's timeout, and the limiter lets go of the request as soon as its status line is known.
            patience: seconds for the headers and for each piece, instead of the gateway's timeout. After the gateway's
                timeout the limiter lets go of the request: 429 is answered at once, so what is still waited for is
                no refusal, and a few scrapes of a minute must not keep all looks waiting.
            permit: this request's turn if the caller has waited for it already; it is released in any case.

        Raises:
            NoAnswer: the request got no answer, or it broke off, or it was not made because there is no token.
            RuntimeError: the gateway is not open.
        """
        with permit or await self._limiter.admit() as permit, _released_after(permit, patience and self._seconds):
            http = self._open()
            permit.use()
            answer: Answer | None = None
            try:
                async with self._asked(http, method, path, params, headers, content, seconds, patience) as answer:
                    if seconds is None:
                        permit.release()
                    yield answer
            except NoAnswer as error:
                if answer is None:
                    self._requested(None)
                # What the status line said counts, though the body broke off.
                said = error.unclear if answer is None or answer.reason is None else answer
                self._limiter.judged(said.reason, said.detail)
                raise
            self._limiter.judged(answer.reason, answer.detail)

    @asynccontextmanager
    async def _asked(
        self,
        http: Transport,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        headers: Mapping[str, str] | None,
        content: bytes | AsyncIterable[bytes] | None,
        seconds: float | None,
        patience: float | None,
    ) -> AsyncIterator[Answer]:
        try:
            token = self._token.current()
        except Exception as error:  # noqa: BLE001 - a file may fail in any way
            raise no_token_of(error) from None
        self._sent = token
        request = self._request(method, path, params, headers, content, token, patience)
        timer = asyncio.timeout(seconds)
        try:
            async with timer:
                if seconds is not None:
                    response = await _sent(http, request, token)
                else:
                    response = await _sent_within(http, request, token, patience or self._seconds)
                try:
                    self._learn(response)
                    yield Answer(response, token)
                finally:
                    await _closed(response)
        except TimeoutError:
            if not timer.expired():
                raise
            raise no_answer_of(TimeoutError(f"no whole answer within {seconds:g} s"), token) from None

    def _open(self) -> Transport:
        if self._http is None:
            raise RuntimeError("the gateway to Bright Data is not open")
        return self._http

    def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        headers: Mapping[str, str] | None,
        content: bytes | AsyncIterable[bytes] | None,
        token: str,
        patience: float | None,
    ) -> httpx.Request:
        # Not http.build_request(): merging the client's defaults costs as much as the rest of the request.
        every = _headers(token)
        url = f"{self._base_url}{path}?{urlencode(params)}" if params else self._base_url + path
        return httpx.Request(
            method,
            _url(url),
            headers={**every, **headers} if headers else every,
            content=content,
            extensions=self._extensions
            if patience is None
            else {"timeout": {"connect": self._seconds, "read": patience}},
        )

    def _learn(self, response: httpx.Response) -> None:
        """Tell the limiter as soon as the status line is known: what becomes of the body does not matter to it."""
        self._requested(response.status_code)
        if response.status_code == 429:
            self._limiter.rate_limited(retry_after_of(response.headers, datetime.now(UTC)))
        else:
            self._limiter.answered()
        if response.status_code in (401, 403):
            self._token.refused()


@contextmanager
def _released_after(permit: Permit, seconds: float | None) -> Iterator[None]:
    """Release the permit after that time, if the block lasts longer; with None, not before its end."""
    release = None if seconds is None else asyncio.get_running_loop().call_later(seconds, permit.release)
    try:
        yield
    finally:
        if release is not None:
            release.cancel()


@lru_cache(maxsize=1)
def _headers(token: str) -> httpx.Headers:
    return httpx.Headers(
        {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"notifier/{__version__}",
        }
    )


@lru_cache(maxsize=2_000)
def _url(text: str) -> httpx.URL:
    """Most are asked for again and again, and to parse one takes as long as the rest of its request."""
    return httpx.URL(text)


async def _sent_within(http: Transport, request: httpx.Request, token: str, seconds: float) -> httpx.Response:
    """Bounds the time until all headers are there: the transport's own timeout is for each read of them."""
    try:
        async with asyncio.timeout(seconds):
            return await _sent(http, request, token)
    except TimeoutError:
        raise no_answer_of(TimeoutError(f"no answer within {seconds:g} s"), token) from None


async def _sent(http: Transport, request: httpx.Request, token: str) -> httpx.Response:
    try:
        return await http.carry(request)
    except Exception as error:  # noqa: BLE001 - no answer, however odd, may stop the daemon
        raise no_answer_of(error, token) from None


async def _closed(response: httpx.Response) -> None:
    try:
        await response.aclose()
    except Exception as error:  # noqa: BLE001 - the answer has been read, or given up: its end changes nothing
        del error


def checked_base_url(base_url: str) -> str:
    """The address without a slash at its end.

    Raises:
        ValueError: it is not `http(s)://HOST[:PORT][/PATH]`.
    """
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"not an address: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("an address that starts with https:// is wanted")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("an address without user, query or fragment is wanted")
    return str(url).rstrip("/")
