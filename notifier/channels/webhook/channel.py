"""Sends signed webhooks: one POST per event, signed as the Standard Webhooks specification says.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Self

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from standardwebhooks import Webhook

from notifier import __version__
from notifier.channels.bounds import metered_socket
from notifier.channels.http_answers import kept_detail
from notifier.channels.webhook.addresses import PublicResolver, public_socket, refused_literal
from notifier.channels.webhook.classifier import answered, failed
from notifier.channels.webhook.payload import body_of
from notifier.core.delivery.model import Event, Outcome, OutcomeKind
from notifier.network import Lookup, tls_context

TIMEOUT = timedelta(seconds=15)
"""For a complete attempt; the specification recommends 15 to 30 s."""

LARGEST_ANSWER = 64 * 1024
"""Bytes. More of an answer is not read."""


def check_webhook_url(url: str, allow_private: bool) -> str | None:
    """Returns why an address cannot be a webhook's; None if it can. Does not quote its path, which may have a secret.

    A name is looked up at each attempt and not here; an IP address is checked at once.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "not an address: its host or port cannot be one"
    if parsed.scheme not in ("http", "https") or not parsed.host:
        return "not an address: expected one that starts with https://"
    if parsed.userinfo:
        return "expected an address without user and password: the signature identifies the sender"
    return None if allow_private else refused_literal(parsed.host)


class WebhookChannel:
    """Sends events to one address.

    Each attempt has a connection of its own: a kept one may be closed by the receiver just when it is used again, and
    then it is not known whether the event arrived. Proxies of the environment are not used: behind one, the address
    that is connected to is not known here. Redirects are not followed.

    The first send opens the client; `aclose()` closes it.
    """

    def __init__(
        self,
        *,
        name: str,
        url: str,
        secrets: Sequence[str],
        allow_private: bool,
        redact: Callable[[str], str],
        clock: Callable[[], datetime],
        timeout: timedelta = TIMEOUT,
        lookup: Lookup = socket.getaddrinfo,
    ) -> None:
        """
        Args:
            name: the channel's name.
            url: an address that `check_webhook_url` accepts.
            secrets: base64 after `whsec_`, the newest first. Each makes a signature, so that a receiver may still use
                the old one during a change.
            allow_private: whether it may connect to loopback, link-local and private addresses.
            redact: masks secrets in the receiver's answer.
            clock: the time, UTC.
            timeout: for a complete attempt; two thirds of it for the connection.
            lookup: finds the addresses of a name.

        Raises:
            ValueError: the address is malformed, or there is no secret. (`send` reports a private address.)
        """
        problem = check_webhook_url(url, True)
        if problem is not None or not secrets:
            raise ValueError(f"channel {name}: {problem or 'it needs a secret'}")
        self.name = name
        self._url = httpx.URL(url)
        self._signers = [Webhook(secret) for secret in secrets]
        self._allow_private = allow_private
        self._redact = redact
        self._clock = clock
        self._seconds = timeout.total_seconds()
        self._lookup = lookup
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the client. A later send opens it again."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def send(self, event: Event) -> Outcome:
        """Sends an event and returns the outcome. Raises only `CancelledError`."""
        try:
            outcome = await self._send(event)
        except Exception as error:  # noqa: BLE001 - every failure of the network is an outcome
            outcome = failed(error)
        return replace(outcome, detail=kept_detail(outcome.detail, self._redact))

    async def _send(self, event: Event) -> Outcome:
        refused = None if self._allow_private else refused_literal(self._url.host)
        if refused is not None:
            return Outcome(kind=OutcomeKind.PERMANENT, reason="private_address", detail=refused)
        if self._http is None:
            transport = AiohttpTransport(verify=tls_context())
            transport.client = partial(self._session, transport.ssl_context)
            self._http = httpx.AsyncClient(transport=transport, trust_env=False)
        response: httpx.Response | None = None
        answer = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._http.send(self._request(event), stream=True)
                try:
                    await _read(response, answer)
                finally:
                    await response.aclose()
        except Exception as error:  # noqa: BLE001 - whatever the network does becomes a value
            # Once the status line has come, it decides; the rest of the answer is only for people.
            if response is None:
                return failed(error)
        return answered(
            status=response.status_code,
            retry_after_header=response.headers.get("Retry-After"),
            location=response.headers.get("Location"),
            answer=answer.decode("utf-8", "replace"),
            now=self._clock(),
        )

    def _request(self, event: Event) -> httpx.Request:
        body = body_of(event)
        # The package ignores the time's zone, so it has to be UTC.
        now = self._clock().astimezone(UTC)
        signatures = [
            signer.sign(msg_id=event.id, timestamp=now, data=body.decode("ascii")) for signer in self._signers
        ]
        headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"notifier/{__version__}",
            "webhook-id": event.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
        # aiohttp's limit for a connection, from the lookup to the end of the TLS handshake, is httpx's "pool".
        # What comes after it, until the limit of the whole attempt, may have gone out.
        extensions = {"timeout": {"pool": self._seconds * 2 / 3}}
        return httpx.Request("POST", self._url, headers=headers, content=body, extensions=extensions)

    def _session(self, ssl_context: ssl.SSLContext) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=PublicResolver(allow_private=self._allow_private, lookup=self._lookup),
            socket_factory=metered_socket if self._allow_private else public_socket,
            use_dns_cache=False,
            force_close=True,
            ssl=ssl_context,
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


async def _read(response: httpx.Response, answer: bytearray) -> None:
    """Appends the body to the answer as it comes, up to `LARGEST_ANSWER`."""
    async for chunk in response.aiter_raw():
        answer += chunk[: LARGEST_ANSWER - len(answer)]
        if len(answer) >= LARGEST_ANSWER:
            return
