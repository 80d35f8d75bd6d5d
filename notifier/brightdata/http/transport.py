"""Carries requests by httpx over aiohttp, without redirects, cookies and retries.

The time that httpx's own pool takes is quadratic in its connections, so aiohttp's pool is used under it. Redirects are
not followed, so that the token goes nowhere else.
"""

import base64
from functools import partial
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from notifier.network import Resolver, tls_context

IDLE_CONNECTION_KEPT_S = 15.0


class Transport(HttpxAiohttpClient):
    """Sends requests as they are. Proxies are taken from the environment as httpx does.

    Args:
        connections: the most that are open at once.
    """

    def __init__(self, *, connections: int) -> None:
        limits = httpx.Limits(max_connections=connections, keepalive_expiry=IDLE_CONNECTION_KEPT_S)
        super().__init__(limits=limits, verify=tls_context())

    async def carry(self, request: httpx.Request) -> httpx.Response:
        """Sends a request, and returns the answer before its body has come.

        httpx's `send` takes half as long again: it looks for cookies, redirects and authentication challenges, none of
        which are wanted here.

        Raises:
            Exception: whatever httpx or aiohttp raise.
        """
        return await self._transport_for_url(request.url).handle_async_request(request)

    def _init_transport(self, *args: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        return _plain(super()._init_transport(*args, **kwargs))

    def _init_proxy_transport(self, proxy: httpx.Proxy, *args: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        if proxy.raw_auth is not None:
            # httpx-aiohttp passes these on as aiohttp.BasicAuth, which is deprecated. aiohttp turns this header into
            # `Proxy-Authorization`, and sends it only to the proxy.
            basic = base64.b64encode(b":".join(proxy.raw_auth)).decode()
            proxy = httpx.Proxy(proxy.url, headers={**proxy.headers, "Authorization": f"Basic {basic}"})
        return _plain(super()._init_proxy_transport(proxy, *args, **kwargs))


def _plain(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
    if isinstance(transport, AiohttpTransport):
        transport.client = partial(_session, transport)
    return transport


def _session(transport: AiohttpTransport) -> aiohttp.ClientSession:
    """Without cookies, which every poll would send back, and without aiohttp's retry, which the limiter cannot see."""
    connector = aiohttp.TCPConnector(
        limit=transport.limits.max_connections or 0,
        keepalive_timeout=transport.limits.keepalive_expiry,
        ssl=transport.ssl_context,
        resolver=Resolver(),
    )
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
    # aiohttp repeats a GET after a reset, and has no public switch for it; its own test client turns it off like
    # this. A contract test notices if the name changes.
    session._retry_connection = False
    return session
