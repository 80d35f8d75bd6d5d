"""The description of the API, as OpenAPI for programs and as a page for people.

The page is rendered on the server, like all pages, because Swagger UI needs JavaScript and has neither a dark form nor
one for a telephone.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute

from notifier.core.json_values import json_bytes
from notifier.web.access.guard import is_signed_in
from notifier.web.api.answers import JSON
from notifier.web.api.etags import etag, unchanged
from notifier.web.api.openapi import document
from notifier.web.api.problems import Kind
from notifier.web.pages.renderer import RENDERER

_SCHEMAS = "#/components/schemas/"


def router(described: Sequence[BaseRoute], *, secured: Callable[[], bool], clock: Callable[[], datetime]) -> APIRouter:
    """Return the routes of the description.

    Args:
        described: the routes of the API.
        secured: whether a token is asked for.
        clock: the time, UTC.
    """
    made = APIRouter(include_in_schema=False)

    @cache
    def description(with_token: bool) -> dict[str, Any]:
        return document(described, secured=with_token)

    @cache
    def as_json(with_token: bool) -> tuple[bytes, str]:
        body = json_bytes(description(with_token))
        return body, etag(body)

    @made.get("/v1/openapi.json")
    def openapi(request: Request) -> Response:
        body, tag = as_json(secured())
        if unchanged(request.headers.get("if-none-match"), tag):
            return Response(None, 304, headers={"ETag": tag})
        return Response(body, headers={"ETag": tag}, media_type=JSON)

    @made.get("/reference")
    def reference(request: Request) -> Response:
        shown = context(description(secured()))
        return HTMLResponse(RENDERER.page("reference", now=clock(), signed_in=is_signed_in(request), **shown))

    return made


def context(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template `reference` needs, from a description in OpenAPI."""
    return {
        "path": "/api/reference",
        "info": description["info"],
        "paragraphs": [each.replace("\n", " ") for each in description["info"]["description"].strip().split("\n\n")],
        "groups": [
            {**tag, "operations": [each for each in _operations(description) if tag["name"] in each["tags"]]}
            for tag in description["tags"]
        ],
        "schemas": [
            {"name": name, "text": _text(schema), "fields": _fields(schema)}
            for name, schema in description["components"]["schemas"].items()
        ],
        "problems": list(Kind),
    }


def _operations(description: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": operation["operationId"],
            "method": method.upper(),
            "path": path,
            "tags": operation["tags"],
            "text": operation.get("description") or operation["summary"],
            "parameters": [_parameter(each) for each in operation.get("parameters", ())],
            "body": _body(operation.get("requestBody")),
            "answer": _type(_schema_of(operation["responses"]["200"])),
            "problems": [status for status, each in operation["responses"].items() if status >= "400"],
        }
        for path, item in description["paths"].items()
        for method, operation in item.items()
    ]


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    schema = parameter["schema"]
    default = schema.get("default") or ""
    return {
        "name": parameter["name"],
        "type": _type(schema),
        "more": f", in the {parameter['in']}{f', by default {default}' if default else ''}",
        "text": parameter.get("description", ""),
        "values": _values(schema),
    }


def _fields(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "type": _type(each), "more": "", "text": each.get("description", ""), "values": _values(each)}
        for name, each in schema.get("properties", {}).items()
    ]


def _text(schema: Mapping[str, Any]) -> str:
    """Return what a shape is; of a list of words, also which."""
    words = [f"One of {', '.join(f'`{each}`' for each in schema['enum'])}."] if "enum" in schema else []
    return " ".join([*filter(None, [schema.get("description", "")]), *words])


def _body(body: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if body is None else _type(_schema_of(body))


def _schema_of(part: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(iter(part["content"].values()))["schema"]
    return found


def _values(schema: Mapping[str, Any]) -> list[str]:
    """Return the words that a value is one of."""
    for each in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
        if "enum" in each:
            return list(each["enum"])
    return []


def _type(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a type in words, with the name of the schema that it links to."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_SCHEMAS)
        return {"words": name, "schema": name}
    if "anyOf" in schema:
        kinds = [each for each in schema["anyOf"] if each.get("type") != "null"]
        made = _type(kinds[0])
        return {**made, "words": f"{made['words']} or null"} if len(kinds) < len(schema["anyOf"]) else made
    if schema.get("type") == "array":
        made = _type(schema.get("items", {}))
        return {**made, "words": f"list of {made['words']}"}
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        made = _type(schema["additionalProperties"])
        return {**made, "words": f"{made['words']} by name"}
    return {"words": _WORDS.get(schema.get("format", ""), schema.get("type", "anything")), "schema": None}


_WORDS = {"date-time": "time"}
