"""Builds requests to the API, quickly: a daemon polls thousands of snapshots."""

from collections.abc import AsyncIterable, Mapping
from functools import lru_cache

import httpx

from notifier import __version__


def checked_base_url(base_url: str) -> str:
    """Returns the address without a slash at its end.

    Raises:
        ValueError: it is not `http(s)://HOST[:PORT][/PATH]`.
    """
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"not an address: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("expected an address that starts with https://")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("expected an address without user, query and fragment")
    return str(url).rstrip("/")


def build_request(
    method: str,
    url: str,
    *,
    token: str,
    headers: Mapping[str, str] | None,
    content: bytes | AsyncIterable[bytes] | None,
    connect_s: float,
    read_s: float,
) -> httpx.Request:
    """Returns the request with the token.

    Not made by `httpx.Client.build_request`: merging the client's defaults takes as long as the rest of a request.

    Args:
        method: of HTTP.
        url: with its query.
        token: sent as a bearer token.
        headers: win over those that every request carries.
        content: the body.
        connect_s: seconds for the connection.
        read_s: seconds for each piece of the answer.
    """
    common = _common_headers(token)
    return httpx.Request(
        method,
        _parsed(url),
        headers={**common, **headers} if headers else common,
        content=content,
        extensions={"timeout": {"connect": connect_s, "read": read_s}},
    )


@lru_cache(maxsize=1)
def _common_headers(token: str) -> httpx.Headers:
    return httpx.Headers(
        {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"notifier/{__version__}",
        }
    )


@lru_cache(maxsize=2_000)
def _parsed(url: str) -> httpx.URL:
    """Most URLs are requested again and again, and parsing one takes as long as the rest of its request."""
    return httpx.URL(url)
