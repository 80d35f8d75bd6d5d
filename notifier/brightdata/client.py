"""The one door to Bright Data: asks for a snapshot's progress, and answers with an observation, never an exception.

httpx over the aiohttp transport: httpx's own pool takes quadratic time in its connections. What an answer means is
decided in `notifier.brightdata.answers`, what a failure means in `notifier.brightdata.failures`.
"""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from notifier import __version__
from notifier.brightdata.answers import LONGEST_DETAIL, observation_of, retry_after_of
from notifier.brightdata.failures import AnswerTooLarge, unclear_of
from notifier.brightdata.limiter import Limiter
from notifier.brightdata.text import one_line
from notifier.brightdata.tokens import TokenSource, TokenUnusable
from notifier.core.errors import NotifierError
from notifier.core.model import Observation, Reason, Unclear

LARGEST_ANSWER = 1024 * 1024
"""Bytes. A progress answer has a few hundred."""

LONGEST_ID = 200
IDLE_CONNECTION_KEPT_S = 15.0


class Client:
    """Asks Bright Data, within the limits that all who use the token share.

    Enter it as an async context manager; several observations may run at once. Proxies are taken from the
    environment as httpx does. Redirects are not followed: the token goes nowhere else.

    Args:
        base_url: `http://` or `https://`, a host, and a path before the API's own if there is one.
        token: asked before each request, told when it was refused.
        timeout: for one answer as a whole, from the moment the limiter lets its request go.
        limiter: shared by all that use this token.
        max_connections: how many are open at once.

    Raises:
        ValueError: the base_url is not such an address.
    """

    def __init__(
        self, *, base_url: str, token: TokenSource, timeout: timedelta, limiter: Limiter, max_connections: int
    ) -> None:
        self._progress = f"{checked_base_url(base_url)}/datasets/v3/progress/"
        self._token = token
        self._seconds = timeout.total_seconds()
        self._limiter = limiter
        self._limits = httpx.Limits(max_connections=max_connections, keepalive_expiry=IDLE_CONNECTION_KEPT_S)
        self._extensions = {"timeout": {"connect": self._seconds, "read": self._seconds}}
        self._http: HttpxAiohttpClient | None = None

    async def __aenter__(self) -> Self:
        self._http = _PlainClient(limits=self._limits, timeout=self._seconds)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def observe(self, snapshot_id: str) -> Observation:
        """Look at a snapshot once.

        Whatever the API, the network or a proxy does is an observation: nothing is raised but `CancelledError`, and
        `RuntimeError` outside the context.
        """
        if self._http is None:
            raise RuntimeError("the client is not open")
        segment = path_segment(snapshot_id)
        if segment is None:
            return Unclear(reason=Reason.NONSENSE, detail="not asked: the id cannot be one segment of a path")
        async with self._limiter.slot():
            try:
                token = self._token.current()
            except (TokenUnusable, NotifierError) as error:  # their texts are for people
                return Unclear(reason=Reason.UNAUTHORISED, detail=one_line(f"not asked: {error}", LONGEST_DETAIL))
            except Exception as error:  # noqa: BLE001 - a file may fail in any way, and its text may hold the token
                return Unclear(reason=Reason.UNAUTHORISED, detail=f"not asked: the token: {type(error).__name__}")
            return await self._ask(self._http, snapshot_id, segment, token)

    async def _ask(self, http: httpx.AsyncClient, snapshot_id: str, segment: str, token: str) -> Observation:
        response: httpx.Response | None = None
        body = b""
        try:
            async with asyncio.timeout(self._seconds):
                response = await http.send(self._request(segment, token), stream=True)
                try:
                    self._learn(response)
                    body = await _body(response)
                finally:
                    await response.aclose()
        except Exception as error:  # noqa: BLE001 - no answer, however odd, may stop the daemon
            # The status line of an answer that is not 200 says all; of a 200 the body is needed, and whole.
            if response is None or response.status_code == 200:
                return unclear_of(error, token)
        return observation_of(
            status_code=response.status_code,
            headers=response.headers,
            body=body,
            now=datetime.now(UTC),
            snapshot_id=snapshot_id,
            secret=token,
        )

    def _request(self, segment: str, token: str) -> httpx.Request:
        # Not http.build_request(): merging the client's defaults costs as much as the rest of the request.
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"notifier/{__version__}",
        }
        return httpx.Request("GET", self._progress + segment, headers=headers, extensions=self._extensions)

    def _learn(self, response: httpx.Response) -> None:
        """Tell the limiter as soon as the status line is known: what becomes of the body does not matter to it."""
        if response.status_code == 429:
            self._limiter.rate_limited(retry_after_of(response.headers, datetime.now(UTC)))
        else:
            self._limiter.answered()
        if response.status_code == 401:
            self._token.refused()


class _PlainClient(HttpxAiohttpClient):
    """httpx over aiohttp sessions that do nothing unasked: see `_session`."""

    def _init_transport(self, *args: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        return _plain(super()._init_transport(*args, **kwargs))

    def _init_proxy_transport(self, proxy: httpx.Proxy, *args: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        if proxy.raw_auth is not None:
            # httpx-aiohttp hands these on as aiohttp.BasicAuth, which is deprecated. aiohttp makes
            # `Proxy-Authorization` of this header, and sends it to nobody but the proxy.
            basic = base64.b64encode(b":".join(proxy.raw_auth)).decode()
            proxy = httpx.Proxy(proxy.url, headers={**proxy.headers, "Authorization": f"Basic {basic}"})
        return _plain(super()._init_proxy_transport(proxy, *args, **kwargs))


def _plain(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
    if isinstance(transport, AiohttpTransport):
        transport.client = partial(_session, transport)
    return transport


def _session(transport: AiohttpTransport) -> aiohttp.ClientSession:
    """Without cookies, which would be sent back with every look, and without the retry that the limiter cannot see."""
    connector = aiohttp.TCPConnector(
        limit=transport.limits.max_connections or 0,
        keepalive_timeout=transport.limits.keepalive_expiry,
        ssl=transport.ssl_context,
    )
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
    # aiohttp sends a GET again when the connection is reset, and has no public switch for it; its own test client
    # turns it off like this. A contract test notices if the name ever changes.
    session._retry_connection = False
    return session


async def _body(response: httpx.Response) -> bytes:
    """The body as it is on the wire.

    Raises:
        AnswerTooLarge: it goes on beyond `LARGEST_ANSWER`.
    """
    chunks: list[bytes] = []
    length = 0
    async for chunk in response.aiter_raw():
        length += len(chunk)
        if length > LARGEST_ANSWER:
            raise AnswerTooLarge(f"HTTP {response.status_code}, but the answer is larger than {LARGEST_ANSWER} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def path_segment(snapshot_id: str) -> str | None:
    """The id quoted as one segment of a path; None if it cannot be one.

    `.` and `..` need no quoting and would walk up the path; no prefix is demanded of an id.
    """
    if not 0 < len(snapshot_id) <= LONGEST_ID or snapshot_id in (".", ".."):
        return None
    try:
        return quote(snapshot_id, safe="")
    except UnicodeEncodeError:
        return None


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
