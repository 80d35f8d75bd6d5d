"""The description of the API in OpenAPI 3.1: FastAPI makes it from the types; this module adds what types do not say.

- The texts under `Attributes:` of a resource's docstring become the descriptions of its properties.
- A property is always there in an answer, so all are required; one without a value is null.
- Each operation lists the problems that it may answer.
- The examples of `examples.py` belong to their schemas.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from starlette.routing import BaseRoute

from notifier import __version__
from notifier.core.json_values import json_value
from notifier.web.api.examples import EXAMPLES
from notifier.web.api.problems import MEDIA_TYPE, Kind, ProblemResource, kind_of

ROOT = "/api"
"""The path under which the API is mounted. The routes below begin with `/v1`."""

_FASTAPIS = frozenset({"HTTPValidationError", "ValidationError"})
"""The shapes of FastAPI's own errors, which this API does not answer."""

_PROBLEMS = "x-problems"
_EVERYWHERE = (Kind.UNAUTHORISED, Kind.FORBIDDEN, Kind.TOO_MANY, Kind.INTERNAL, Kind.UNAVAILABLE)

_DESCRIPTION = """\
What the pages of the notifier show, as JSON, and its actions.

**Access.** If `http:` has a `token:`, send it as `Authorization: Bearer TOKEN`. Without one the notifier listens on
loopback, and answers requests for a name of this machine.

**Lists** come in pages, in a stable order. `next` has the cursor of the next page, and the header `Link` its address.

**Times** are RFC 3339 in UTC. Durations are seconds, and end in `_s`. A field without a value is null.

**Unchanged answers.** Each answer to a GET has an `ETag`; sent back as `If-None-Match`, it saves an equal answer.

**Errors** are RFC 9457: `application/problem+json` with a `type` to decide by and a `detail` to read.
"""

_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The token under `http:` of the configuration."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "notifier-session",
        "description": "The cookie that signing in to the pages sets. Requests that change something must come from a "
        "page of the notifier itself.",
    },
}

_HEADERS = {
    "ETag": "The tag of this answer, for `If-None-Match`.",
    "Link": 'The address of the next page, with `rel="next"`; absent on the last page.',
    "Retry-After": "The seconds to wait before the request is sent again.",
    "WWW-Authenticate": "The way to authenticate.",
}
_OF_PROBLEM = {
    Kind.UNAUTHORISED: ("WWW-Authenticate",),
    Kind.TOO_MANY: ("Retry-After",),
    Kind.UNAVAILABLE: ("Retry-After",),
}

_ATTRIBUTE = re.compile(r"    (?P<names>\w+(?:, \w+)*): (?P<text>.*)")


def problems(*kinds: Kind) -> dict[str, Any]:
    """Return the argument `openapi_extra` of a route that may answer these problems, besides those of every route."""
    return {_PROBLEMS: [kind.status for kind in kinds]}


def document(routes: Iterable[BaseRoute], *, secured: bool) -> dict[str, Any]:
    """Return the description.

    Args:
        routes: the routes of the API, without the path that they are mounted under.
        secured: a token is asked for.
    """
    found = get_openapi(
        title="notifier",
        version=__version__,
        summary="Watches Bright Data snapshots, and tells people.",
        description=_DESCRIPTION,
        routes=list(routes),
        tags=_tags(),
        license_info={"name": "MIT", "identifier": "MIT"},
    )
    schemas = found["components"]["schemas"]
    found["components"]["schemas"] = {name: schemas[name] for name in schemas.keys() - _FASTAPIS} | _problem_schemas()
    found["paths"] = {f"{ROOT}{path}": item for path, item in found["paths"].items()}
    made: dict[str, Any] = json.loads(re.sub(r'(\w+)Resource"', r'\1"', json.dumps(found)))
    components = made["components"]
    for name, schema in components["schemas"].items():
        _describe(name, schema)
    for name, example in EXAMPLES.items():
        components["schemas"][name]["examples"] = [json_value(example)]
    components["schemas"] = {name: components["schemas"][name] for name in sorted(components["schemas"])}
    components["responses"] = {_name(kind): _response(kind) for kind in Kind if kind is not Kind.NO_PATH}
    for method, operation in operations(made):
        _complete(method, operation)
    if secured:
        components["securitySchemes"] = _SECURITY
        made["security"] = [{name: []} for name in _SECURITY]
    return made


def _problem_schemas() -> dict[str, Any]:
    """Return the schema of a problem, and those that it refers to."""
    made = TypeAdapter(ProblemResource).json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    return {**made.pop("$defs"), "ProblemResource": made}


def operations(made: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Iterate over the methods and operations of a description."""
    for item in made["paths"].values():
        yield from item.items()


def _tags() -> list[dict[str, str]]:
    return [{"name": name, "description": text} for name, text in TAGS.items()]


TAGS = {
    "watches": "The entries of the configuration: snapshots, and datasets whose snapshots are found.",
    "snapshots": "The data-collection jobs that are or were watched.",
    "datasets": "The watched datasets, and the collections of each.",
    "events": "The transitions of snapshots, notified or not.",
    "deliveries": "One event, or one notice to the operators, for one channel each, with its attempts.",
    "channels": "The destinations of notifications.",
    "conditions": "What is in trouble now.",
    "nodes": "The daemons at work.",
    "health": "How the daemon does.",
    "configuration": "The configuration in effect, without its secrets.",
}
"""What each group of operations is about."""


def _describe(name: str, schema: dict[str, Any]) -> None:
    """Move the texts of the attributes from the schema's description to its properties."""
    text, _, attributes = schema.get("description", "").partition("Attributes:\n")
    schema["title"] = name
    schema["description"] = " ".join(text.split())
    properties = schema.get("properties", {})
    for names, meaning in _attributes(attributes):
        for each in names:
            if each in properties:
                properties[each]["description"] = meaning[:1].upper() + meaning[1:]
    for each in properties.values():
        each.pop("title", None)
    if not name.endswith("Request"):
        schema["required"] = list(properties)
        for each in properties.values():
            each.pop("default", None)


def _attributes(text: str) -> Iterator[tuple[list[str], str]]:
    names: list[str] = []
    words: list[str] = []
    for line in text.splitlines():
        found = _ATTRIBUTE.fullmatch(line)
        if found is None:
            words.append(line.strip())
            continue
        if names:
            yield names, " ".join(words).strip()
        names, words = found["names"].split(", "), [found["text"]]
    if names:
        yield names, " ".join(words).strip()


def _complete(method: str, operation: dict[str, Any]) -> None:
    """Add the problems, the headers, and the answer 304 to an operation."""
    responses = operation["responses"]
    kinds = [*map(kind_of, operation.pop(_PROBLEMS, ())), *_EVERYWHERE]
    if "requestBody" in operation:
        kinds += [Kind.MALFORMED, Kind.TOO_LARGE, Kind.MEDIA]
    if responses.pop("422", None) is not None:
        kinds.append(Kind.INVALID)
    pages = any(each["name"] == "cursor" for each in operation.get("parameters", ()))
    kinds += [Kind.CURSOR] if pages else []
    if method == "get":
        responses["200"]["headers"] = _headers(["ETag", "Link"] if pages else ["ETag"])
        responses["304"] = {"description": "It has not changed.", "headers": _headers(["ETag"])}
    responses["200"]["description"] = "Done." if method == "post" else "What was asked for."
    for kind in sorted(kinds, key=lambda each: each.status):
        responses[str(kind.status)] = {"$ref": f"#/components/responses/{_name(kind)}"}


def _name(kind: Kind) -> str:
    """Return the name of a kind's response, such as `NotFound`."""
    return kind.word.title().replace("-", "")


def _response(kind: Kind) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    made: dict[str, Any] = {"description": f"{kind.title}. {kind.meaning}", "content": content}
    if kind in _OF_PROBLEM:
        made["headers"] = _headers(_OF_PROBLEM[kind])
    return made


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in names}
