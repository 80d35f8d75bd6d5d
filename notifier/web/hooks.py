"""Takes hints: `POST /hooks/brightdata/SECRET`, which Bright Data sends when a collection ends.

Whoever knows the secret is answered 202, whatever was sent; neither an answer nor its time tells what is watched. The
path has access control of its own, because Bright Data cannot sign in: the secret in it.
"""

import hmac
from collections.abc import Collection
from contextlib import suppress

from fastapi import APIRouter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from notifier.core.snapshot.hint_queue import HintResult
from notifier.web.access.client_address import client_address
from notifier.web.access.guard import HOOKS
from notifier.web.access.sign_in_limit import SignInLimit
from notifier.web.hint_body import snapshot_ids
from notifier.web.sources import WebSources

LARGEST_BODY = 64 * 1024
"""Bytes. Bright Data sends about a hundred."""

BRIGHTDATA = f"{HOOKS}brightdata/"
"""The path that takes hints, before the secret."""

_NOTHING_HERE = "there is nothing here\n"
_TOO_LARGE = f"a hint has at most {LARGEST_BODY // 1024} KiB\n"
_TOO_MANY = "too many requests with a wrong secret\n"


def router(sources: WebSources, *, limit: SignInLimit | None = None) -> APIRouter:
    """Return the routes.

    Args:
        sources: takes the hints.
        limit: bounds the wrong secrets that are answered with 404. The right one is always let in: it cannot be
            guessed in any number of tries, so that nobody can lock Bright Data out.
    """
    routes = APIRouter(include_in_schema=False)
    tries = limit or SignInLimit()

    @routes.post(BRIGHTDATA + "{secret}")
    async def take(request: Request, secret: str) -> Response:
        hooks = sources.config().hooks
        if not is_secret(secret, hooks.secrets if hooks is not None else ()):
            sources.useless_hint(HintResult.REFUSED)
            address = client_address(request.scope)
            if seconds := tries.wait(address):
                return PlainTextResponse(_TOO_MANY, 429, {"Retry-After": str(seconds), "Connection": "close"})
            tries.failed(address)
            return PlainTextResponse(_NOTHING_HERE, 404, {"Connection": "close"})
        body = await _body(request)
        if body is None:
            return PlainTextResponse(_TOO_LARGE, 413, {"Connection": "close"})
        named = snapshot_ids(body)
        for snapshot_id in named:
            sources.hint(snapshot_id)
        if not named:
            sources.useless_hint(HintResult.NAMELESS)
        return Response(status_code=202)

    return routes


def is_secret(given: str, secrets: Collection[str]) -> bool:
    """Return whether this is one of the secrets, in a time that does not depend on where it differs from them."""
    word = given.encode("utf-8", "surrogateescape")
    found = False
    for secret in secrets:
        found |= hmac.compare_digest(word, secret.encode())
    return found


async def _body(request: Request) -> bytes | None:
    """Return the body, or what had come of it when the client left; None if it is too large."""
    body = bytearray()
    with suppress(ClientDisconnect):
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_BODY:
                return None
    return bytes(body)
