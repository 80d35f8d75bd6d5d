"""Answers of the API: JSON with an entity tag, and pages of a list with a `Link` to the next."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from notifier.core.json_values import json_bytes, json_value
from notifier.web.api.etags import etag, unchanged

JSON = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page of a list: its items, the cursor of the next page, and what else is said of the list."""

    items: Sequence[Any]
    next: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def page_of(resource: type, *more: tuple[str, Any, str]) -> type:
    """Return the shape of a page of resources: `items`, `next`, and `more` fields with their types and descriptions."""
    name = resource.__name__.removesuffix("Resource")
    items: Any = tuple[resource, ...]  # type: ignore[valid-type]
    fields = [("items", items), ("next", str | None), *((name, type_) for name, type_, _ in more)]
    made = make_dataclass(f"{name}ListResource", fields, frozen=True, kw_only=True)
    made.__doc__ = "\n".join(
        [
            "A page of a list.",
            "",
            "Attributes:",
            "    items: the items, in the order of the list.",
            "    next: the cursor of the next page, for the parameter `cursor`; null on the last page.",
            *(f"    {name}: {text}" for name, _, text in more),
        ]
    )
    return made


async def answered(request: Request, found: Any, redact: Callable[[Any], Any] | None = None) -> Response:
    """Return the response with a resource or a `Page`; 304 without a body, if the client has it already.

    The JSON is made in a thread: a page may have megabytes.

    Args:
        request: what was asked.
        found: a resource or a `Page`.
        redact: masks secrets in JSON values; None if there are none in it any more.
    """
    return await asyncio.to_thread(_response, request, found, redact)


def _response(request: Request, found: Any, redact: Callable[[Any], Any] | None) -> Response:
    headers = {}
    if isinstance(found, Page):
        if found.next is not None:
            headers["Link"] = _link_to_next(request, found.next)
        found = {"items": found.items, "next": found.next, **found.more}
    body = json_bytes(found if redact is None else redact(json_value(found)))
    if request.method != "GET":
        return Response(body, media_type=JSON)
    headers["ETag"] = tag = etag(body)
    if unchanged(request.headers.get("if-none-match"), tag):
        return Response(None, 304, headers=headers)
    return Response(body, headers=headers, media_type=JSON)


def _link_to_next(request: Request, cursor: str) -> str:
    """Return the `Link` header (RFC 8288) to the next page: the same request with another cursor."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f'<{quote(request.url.path)}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'
